"""No secret is in the log, whoever says it."""

import json
import logging
from pathlib import Path

import pytest

from webapp.logs.formatting import JsonFormatter, PlainFormatter
from webapp.logs.redaction import known_secrets, redact


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("postgresql://lab:pa%40ss@host/db", "postgresql://lab:***@host/db"),
        ("redis://:geheim@host:6379/0 is away", "redis://:***@host:6379/0 is away"),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer ***"),
        ("token darec_0123456789ab_" + "x" * 43, "token darec_0123456789ab_***"),
        ('127.0.0.1 - "GET /join/0123456789ab_xyz HTTP/1.1" 200', '127.0.0.1 - "GET /join/0123456789ab_*** HTTP/1.1" 200'),
        ("{'Authorization': 'Basic YWxpY2U6aHVzaA=='}", "{'Authorization': 'Basic ***'}"),
        ("POST {'password': 'hunter22', 'name': 'a'}", "POST {'password': '***', 'name': 'a'}"),
        ("GET /x?csrfmiddlewaretoken=abc&page=2", "GET /x?csrfmiddlewaretoken=***&page=2"),
        ("sessionid=abcdef; theme=dark", "sessionid=***; theme=dark"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(said: str, shown: str) -> None:
    assert redact(said, []) == shown


@pytest.mark.parametrize(
    "said", ["1200 tokens per second", "basic rules", "http://host:8000/runs", "the token was revoked", "run-12: ndcg@10 0.05"]
)
def test_other_words_stay(said: str) -> None:
    assert redact(said, []) == said


def test_the_secrets_of_the_settings_are_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a-very-secret-key\n")
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("DATABASE_URL", "postgresql://lab:pass%2Fword-1@host/db")
    monkeypatch.setenv("BROKER_URL_FILE", str(tmp_path / "missing"))
    monkeypatch.delenv("BROKER_URL", raising=False)
    assert {"a-very-secret-key", "pass%2Fword-1", "pass/word-1"} <= set(known_secrets())
    try:
        raise RuntimeError("with pass/word-1")
    except RuntimeError as error:
        trace = (type(error), error, error.__traceback__)
    record = logging.LogRecord("a", logging.ERROR, __file__, 1, "key %s", ("a-very-secret-key",), trace)
    for line in (PlainFormatter().format(record), json.dumps(json.loads(JsonFormatter().format(record)))):
        assert "a-very-secret-key" not in line
        assert "with pass/word-1" not in line
        assert "with ***" in line
