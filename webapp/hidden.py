"""No secret gets into a log, whoever writes the line: links of invitations, tokens, and passwords in addresses are cut out.

It sits where records are made, so that it holds for all loggers and handlers: ours, Django's, the web server's, Celery's.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

_PATTERNS = (
    (re.compile(r"(/join/\w{1,16}?_)[^\s/?\"']+"), r"\1…"),
    (re.compile(r"(darec_\w{1,16}?_)[\w-]+"), r"\1…"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:@/]*:)[^\s@/]+@"), r"\1…@"),
    (re.compile(r"(?i)(authorization['\"]?\s*[:=]\s*['\"]?(?:bearer|basic)\s+)[^\s'\"]+"), r"\1…"),
)
_SHORTEST = 8
_known: set[str] = set()


def hide(text: str) -> str:
    """``text`` without what looks like a secret, and without those that are known."""
    for pattern, shown in _PATTERNS:
        text = pattern.sub(shown, text)
    for secret in _known:
        text = text.replace(secret, "…")
    return text


def keep_secret(*secrets: str) -> None:
    """From now on cut out these too; what is shorter than eight characters would tear holes into words."""
    _known.update(secret for secret in secrets if len(secret) >= _SHORTEST)


def install() -> None:
    """Let all records that are made from now on be looked through; a second time changes nothing."""
    made = logging.getLogRecordFactory()
    if getattr(made, "hides_secrets", False):
        return

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        return _looked_through(made(*args, **kwargs))

    factory.hides_secrets = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(factory)


def _looked_through(record: logging.LogRecord) -> logging.LogRecord:
    record.msg = _value(record.msg)
    if isinstance(record.args, tuple):
        # One by one: the web server's formatter wants them apart.
        record.args = tuple(_value(one) for one in record.args)
    elif isinstance(record.args, Mapping):
        record.args = {name: _value(one) for name, one in record.args.items()}
    if record.exc_info and record.exc_info[0] is not None:
        said = logging.Formatter().formatException(record.exc_info)
        if (hidden := hide(said)) != said:
            # Formatters take what is there already.
            record.exc_text = hidden
    return record


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, BaseException):
        said = str(value)
        hidden = hide(said)
        return value if hidden == said else hidden
    return value
