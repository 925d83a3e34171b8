"""Reading JSON strictly: what is not JSON, or cannot be stored, is refused with the reason, never answered 500."""

import json
import re
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser

from webapp.api.errors import DOCUMENT, ApiError, MalformedError

# Only such a body can hold what Postgres and UTF-8 cannot: all others need not be walked through.
_DEEPEST = 64
_SUSPECT = re.compile(rb"\\u(0000|[dD][89abAB])")


class StrictParser(Parser):
    """Refuses NaN and infinity, text that is not UTF-8, numbers and nesting without measure, NUL and lone surrogates."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """What the body, a JSON object, says; raises MalformedError, or ApiError for what is no object or no text can hold."""
        try:
            # From text, not from octets: json would guess UTF-16 and UTF-32 too.
            value = json.loads(request.body.decode("utf-8"), parse_constant=_refuse_constant)
        except UnicodeDecodeError as error:
            raise MalformedError(f"The body is not UTF-8: octet {error.start}.", DOCUMENT) from error
        except json.JSONDecodeError as error:
            raise MalformedError(
                f"The body is not JSON: {error.msg}, line {error.lineno} column {error.colno}.", DOCUMENT
            ) from error
        except RecursionError as error:
            raise MalformedError("The body is nested too deeply.", DOCUMENT) from error
        except ValueError as error:
            raise MalformedError("The body holds a number with too many digits.", DOCUMENT) from error
        _check_depth(value)
        if not isinstance(value, dict):
            # A schema without required fields would take a list for an object that says nothing.
            raise ApiError("The body is no JSON object.", DOCUMENT)
        if _SUSPECT.search(request.body):
            _check_texts(value)
        return value


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedError(f"{name} is not JSON.", "Write null, or leave it out.")


def _check_depth(value: Any) -> None:
    """Raise MalformedError for nesting that nothing asks for, and that would exhaust what walks through it."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(_DEEPEST):
        level = [part for outer in level for part in (outer.values() if isinstance(outer, dict) else outer)]
        level = [part for part in level if isinstance(part, dict | list)]
        if not level:
            return
    raise MalformedError(f"The body is nested more than {_DEEPEST} levels deep.", DOCUMENT)


def _check_texts(value: Any) -> None:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if "\x00" in part or any("\ud800" <= letter <= "\udfff" for letter in part):
                raise ApiError("A text holds NUL or half of a surrogate pair, which no text can hold.", DOCUMENT)
        elif isinstance(part, dict):
            waiting += [*part.keys(), *part.values()]
        elif isinstance(part, list):
            waiting += part
