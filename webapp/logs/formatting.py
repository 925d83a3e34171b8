"""The two forms of a line of the log. Whatever a title or an exception holds, it stays within its line."""

import json
import logging
from datetime import UTC, datetime

from django.core.exceptions import ImproperlyConfigured

from engine.plain_text import many_lines, one_line
from webapp.environment import env
from webapp.logs.about import known_ids
from webapp.logs.redaction import known_secrets, redact
from webapp.request_ids import request_id_of

FORMS = ("plain", "json")


def log_form() -> str:
    """``plain`` or ``json``, as LOG_FORMAT says; raises ImproperlyConfigured for anything else."""
    form = (env("LOG_FORMAT") or "plain").lower()
    if form not in FORMS:
        raise ImproperlyConfigured(f"LOG_FORMAT: got {form!r}, must be plain or json")
    return form


def make_formatter() -> logging.Formatter:
    """The formatter that LOG_FORMAT asks for; what dictConfig calls."""
    return JsonFormatter() if log_form() == "json" else PlainFormatter()


class _Formatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__()
        self._secrets = known_secrets()

    def _message(self, record: logging.LogRecord) -> str:
        return one_line(redact(record.getMessage(), self._secrets))

    def _ids(self, record: logging.LogRecord) -> dict[str, str | int]:
        request_id = request_id_of(record)
        return {**({"request_id": request_id} if request_id else {}), **known_ids()}

    def _exception(self, record: logging.LogRecord) -> str:
        """The traceback and the stack, with line breaks; empty where there is none."""
        parts = []
        if record.exc_info and record.exc_info[0] is not None:
            parts.append(self.formatException(record.exc_info))
        elif record.exc_text:
            parts.append(record.exc_text)
        if record.stack_info:
            parts.append(record.stack_info)
        return many_lines(redact("\n".join(parts), self._secrets))


class PlainFormatter(_Formatter):
    """``2026-11-26 14:00:00,123 INFO name [request id, run=3]: message``; lines of a traceback begin with a bar."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line, and its traceback below."""
        ids = self._ids(record)
        words = [str(ids.pop("request_id"))] if "request_id" in ids and not known_ids() else []
        words += [f"{name}={value}" for name, value in ids.items()]
        told = one_line(f" [{' '.join(words)}]") if words else ""
        line = f"{self.formatTime(record)} {record.levelname} {record.name}{told}: {self._message(record)}"
        exception = self._exception(record)
        # No line of ours begins with a bar, so that nobody can write one into a title.
        return line + "".join(f"\n    | {each}" for each in exception.splitlines())


class JsonFormatter(_Formatter):
    """One JSON object a line, ASCII only: time (UTC), level, logger, message, process, the ids that are known, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a JSON object."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line: dict[str, str | int | None] = {
            "time": time,
            "level": record.levelname,
            "logger": record.name,
            "message": self._message(record),
        }
        line |= {"process": record.process, **self._ids(record)}
        exception = self._exception(record)
        return json.dumps(line | ({"exception": exception} if exception else {}))
