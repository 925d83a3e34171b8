"""One record, one line: whatever was said, by whomever."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured

from engine.plain_text import many_lines, one_line
from tests.support.attacks import ATTACKS, raw_controls
from webapp.logs.about import about, begin_about, known_ids
from webapp.logs.formatting import JsonFormatter, PlainFormatter, make_formatter
from webapp.request_ids import answering

EVIL = "a\nERROR root: forged\r\x1b[2J\x1b]0;title\x07\x9b31m\u2028b\u202ec\ud800\x00\x7f"


def record(message: str, *arguments: object, error: BaseException | None = None) -> logging.LogRecord:
    trace = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("webapp.test", logging.WARNING, __file__, 1, message, arguments, trace)


def raised(words: str) -> ValueError:
    try:
        raise ValueError(words)
    except ValueError as error:
        return error


@pytest.fixture(autouse=True)
def _about_nothing() -> Iterator[None]:
    begin_about({})
    yield
    begin_about({})


def test_a_line_of_json_has_what_a_machine_looks_for() -> None:
    with answering("abc"), about(run=3, attempt=2, task_id="t-1"):
        line = JsonFormatter().format(record("run %d ended", 3))
    found = json.loads(line)
    assert found.pop("time").endswith("Z")
    assert isinstance(found.pop("process"), int)
    assert found == {
        "level": "WARNING",
        "logger": "webapp.test",
        "message": "run 3 ended",
        "request_id": "abc",
        "run": 3,
        "attempt": 2,
        "task_id": "t-1",
    }


def test_a_plain_line_names_what_it_is_about() -> None:
    with about(run=3, attempt=1):
        assert PlainFormatter().format(record("begins")).endswith(" WARNING webapp.test [run=3 attempt=1]: begins")
    with answering("abc"):
        assert PlainFormatter().format(record("begins")).endswith(" WARNING webapp.test [abc]: begins")
    assert PlainFormatter().format(record("begins")).endswith(" WARNING webapp.test: begins")


@pytest.mark.parametrize("formatter", [PlainFormatter, JsonFormatter])
def test_a_title_forges_no_line_and_moves_no_cursor(formatter: type[logging.Formatter]) -> None:
    line = formatter().format(record("the run %s ended", EVIL))
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    line.encode("utf-8")
    said = json.loads(line)["message"] if formatter is JsonFormatter else line
    assert said.isprintable()
    assert "forged" in said


@pytest.mark.parametrize("formatter", [PlainFormatter, JsonFormatter])
def test_attacks_stay_in_the_line_of_a_record_with_its_exception(formatter: type[logging.Formatter]) -> None:
    for text in ATTACKS:
        written = formatter().format(record("%s", text, error=raised(text)))
        assert not raw_controls(written), text
        first, *rest = written.split("\n")
        assert "webapp.test" in first
        assert all(line.startswith("    | ") for line in rest), text


def test_a_traceback_stays_within_its_record() -> None:
    error = raised(f"title {EVIL}")
    found = json.loads(JsonFormatter().format(record("failed", error=error)))
    assert found["exception"].startswith("Traceback (most recent call last):\n")
    assert "\x1b" not in found["exception"]
    first, *rest = PlainFormatter().format(record("failed", error=error)).split("\n")
    assert first.endswith("webapp.test: failed")
    assert len(rest) > 3
    assert all(line.startswith("    | ") and line.isprintable() for line in rest)


def test_ids_of_one_thing_do_not_outlive_it() -> None:
    with about(run=1, empty="", none=0):
        with about(attempt=2):
            assert known_ids() == {"run": 1, "attempt": 2}
        assert known_ids() == {"run": 1}
    assert known_ids() == {}


def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(make_formatter(), PlainFormatter)
    monkeypatch.setenv("LOG_FORMAT", "JSON")
    assert isinstance(make_formatter(), JsonFormatter)
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(ImproperlyConfigured, match="LOG_FORMAT: got 'xml', must be plain or json"):
        make_formatter()


def test_what_was_formatted_elsewhere_is_kept() -> None:
    told = record("failed")
    told.exc_text, told.stack_info = "Traceback of another process", "Stack (most recent call last):\n  here"
    assert json.loads(JsonFormatter().format(told))["exception"].startswith("Traceback of another process\nStack")
    told.exc_info = sys.exc_info()
    assert "Traceback" in PlainFormatter().format(told)


def test_ordinary_text_is_left_alone() -> None:
    words = "Die Bücher, 日本語, 🎉 “quoted” \\n"
    assert one_line(words) == words
    assert many_lines(f"{words}\n{words}") == f"{words}\n{words}"
