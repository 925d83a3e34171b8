"""Text that people gave, made harmless for a log or a terminal: it begins no line of its own, moves no cursor, turns no text
around. Light to load: every command and every process that writes a log needs it."""

import json
from typing import Any

# Line and paragraph separators, and what changes the direction of text.
_TURNING = (0x2028, 0x2029, 0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_VISIBLE = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))},
    **{code: f"\\u{code:04x}" for code in _TURNING},
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
}
_IN_JSON = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *_TURNING, *range(0xD800, 0xE000))}


def one_line(text: str) -> str:
    """``text`` in one line: control characters as ``\\n`` or ``\\x1b``, and no half characters that cannot be written."""
    return text.translate(_VISIBLE).encode("utf-8", "backslashreplace").decode("utf-8")


def many_lines(text: str) -> str:
    """The same, with the line breaks kept: for tracebacks, where a reader must see to it that no line begins like another."""
    return "\n".join(one_line(line) for line in text.split("\n"))


def json_line(value: Any) -> str:
    """``value`` as JSON in one line: letters of all scripts as they are, but what ``one_line`` shows by its number as ``\\u``."""
    return json.dumps(value, ensure_ascii=False).translate(_IN_JSON)
