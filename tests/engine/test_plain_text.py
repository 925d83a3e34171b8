import json

import pytest

from engine.plain_text import json_line, many_lines, one_line
from tests.support.attacks import ATTACKS, raw_controls


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: ascii(text)[:24])
def test_attacks_are_lines_of_plain_letters(text: str) -> None:
    assert not raw_controls(one_line(text))
    assert len(one_line(text).splitlines()) == 1
    assert not raw_controls(many_lines(text))
    written = json_line({"title": text, text: [text]})
    assert not raw_controls(written)
    assert len(written.splitlines()) == 1
    assert json.loads(written) == {"title": text, text: [text]}


def test_half_letters_can_be_written_and_whole_ones_stay() -> None:
    assert one_line("a\ud800b") == "a\\ud800b"
    assert json.loads(json_line("a\ud800b").encode()) == "a\ud800b"
    assert json_line("Żółć 茶") == '"Żółć 茶"'
