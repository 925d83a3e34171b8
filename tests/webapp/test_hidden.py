"""What is cut out of lines of the log, and what is left."""

import logging

import pytest

from webapp import hidden


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("GET /join/0a1b2c3d4e5f_AbC-d_9?x=1 200", "GET /join/0a1b2c3d4e5f_…?x=1 200"),
        ("Bearer darec_0a1b2c3d4e5f_AbC-d_9, then", "Bearer darec_0a1b2c3d4e5f_…, then"),
        ("postgresql://me:hush@host:5432/name is away", "postgresql://me:…@host:5432/name is away"),
        ("redis://:hush@host/0", "redis://:…@host/0"),
        ("{'Authorization': 'Bearer abc.def'}", "{'Authorization': 'Bearer …'}"),
        ("Authorization: Basic YWxpY2U6aHVzaA==", "Authorization: Basic …"),
        ("https://lab.example.org/runs/12 at 10:30:00", "https://lab.example.org/runs/12 at 10:30:00"),
        ("run-12: ndcg@10 0.05", "run-12: ndcg@10 0.05"),
    ],
)
def test_patterns(said: str, shown: str) -> None:
    assert hidden.hide(said) == shown


def test_records_of_all_loggers_are_looked_through(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "_known", {"known-secret-1"})
    log = logging.getLogger("somebody.elses")
    log.warning('%s - "%s %s"', "127.0.0.1", "GET", "/join/0a1b2c3d4e5f_hush")
    log.warning("%(what)s is wrong", {"what": "known-secret-1"})
    log.warning("failed: %s", ValueError("at redis://:hush@host"))
    try:
        raise ValueError("known-secret-1")
    except ValueError:
        log.exception("it broke")
    text = caplog.text
    assert "hush" not in text
    assert "known-secret-1" not in text
    assert "ValueError: …" in text
    assert caplog.records[0].args == ("127.0.0.1", "GET", "/join/0a1b2c3d4e5f_…")


def test_short_words_are_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "_known", set())
    hidden.keep_secret("", "short", "long-enough")
    assert hidden.hide("a short one, long-enough") == "a short one, …"
