"""One line of JSON Lines as an object whose numbers are text as they are written, or the reason why it is none."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

_NAMES = {list: "a list", bool: "true or false", type(None): "null"}
_LONGEST_LITERAL = 2**20
_ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class BadLine(Exception):
    """A line that holds no usable object; its text is the reason, the end of a sentence that begins with "line 42: "."""


def read_line(line: str) -> dict[str, Any]:
    """The object on ``line``, its values text (numbers too), bool, None, lists or objects; raises :class:`BadLine`."""
    try:
        found = _DECODER.decode(line)
    except json.JSONDecodeError as error:
        cut_off = error.pos >= len(line.rstrip()) or error.msg.startswith("Unterminated")
        raise BadLine("the line is cut off" if cut_off else f"not JSON ({error.msg}, column {error.pos + 1})") from error
    except RecursionError as error:
        raise BadLine("nested too deeply") from error
    if not isinstance(found, dict):
        text = "a text" if line.lstrip().startswith('"') else "a number"
        raise BadLine(f"{_NAMES.get(type(found), text)}, not an object")
    if _ESCAPED.search(line):
        _refuse_letters(found)
    return found


def read_literal(line: str) -> dict[str, Any]:
    """As :func:`read_line`, of a line that may also be a dictionary as Python writes it (single quotes, ``None``, ``True``)."""
    try:
        return read_line(line)
    except BadLine as bad:
        if not line.lstrip().startswith("{'") or len(line) > _LONGEST_LITERAL:
            raise
        try:
            return read_line(json.dumps(ast.literal_eval(line.strip())))
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            raise bad from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise BadLine(f"the key {twice[:40]!a} stands there twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise BadLine(f"{name} is no JSON number")


def _refuse_letters(found: dict[str, Any]) -> None:
    """Raise for the zero character, and for half a surrogate pair, which no UTF-8 can hold."""
    for text in _texts(found):
        if "\0" in text:
            raise BadLine("it holds the zero character (\\u0000)")
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise BadLine("it holds half of a surrogate pair (\\ud800 to \\udfff)")


def _texts(found: dict[str, Any]) -> Iterator[str]:
    """All keys and texts, however deep, without recursion."""
    pending: list[Any] = [found]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            pending.extend(value)
            pending.extend(value.values())


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_int=str, parse_float=str, parse_constant=_no_number)
