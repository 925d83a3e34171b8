"""What people see of progress, and what hostile text cannot do to their terminal."""

import builtins
from typing import Any

import pytest
from darec_lab.progress import plain, shown
from darec_lab.show import show

from tests.support.attacks import ATTACKS, raw_controls


@pytest.fixture
def _no_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *more: Any) -> Any:
        if name.partition(".")[0] == "rich":
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_control_characters_are_shown_not_sent() -> None:
    assert plain("\x1b[2JBeauty\n") == "�[2JBeauty�"


def test_a_bar_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with shown("run 1", True) as told:
        told(0.5, 1.0, "[red]train")
        told(1.0, 1.0, "succeeded")
    said = capsys.readouterr()
    assert said.out == ""
    assert "run 1 succeeded" in said.err


@pytest.mark.usefixtures("_no_rich")
def test_without_rich_there_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with shown("run 1", True) as told:
        told(0.5, 1.0, "train")
        told(0.5, 1.0, "train")
        told(1.0, 1.0, "succeeded")
    show([{"id": 1, "tags": ["a", "b"], "ndcg@10": 0.057123, "x": None}], False, None)
    said = capsys.readouterr()
    assert said.err == "run 1 train 50%\nrun 1 succeeded 100%\n"
    assert said.out == "id\ttags\tndcg@10\tx\n1\ta, b\t0.05712\t-\n"


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: ascii(text)[:24])
def test_attacks_are_letters_in_a_terminal(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    show([{"title": text, text: [text, 1.5]}], False, None)
    show([], True, {"title": text})
    with shown(text, True) as told:
        told(1, 2, text)
    written = capsys.readouterr()
    assert not raw_controls(written.out)
    assert not any(line.startswith("ERROR: a line of its own") for line in (written.out + written.err).splitlines())
    assert plain(text).isprintable()
