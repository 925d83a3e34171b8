"""What a file is by its content: the first bytes, and the first line of what is packed in them."""

import codecs
import json
import re
import zlib
from pathlib import Path
from typing import Any, Literal

from engine.data.text import GZIP, PARQUET, ZIP, binary_kind

Kind = Literal["text", "json", "parquet", "gzip", "zip", "other"]
"""``json``: text that begins with an object; ``gzip``: packed, and nothing can be told about what is in it."""

_HEAD = 2**18
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def kind_of(head: bytes) -> Kind:
    """What the file that begins with the bytes ``head`` is; an empty one is text."""
    for kind, magics in _KINDS.items():
        if head.startswith(magics):
            return kind
    if binary_kind(head[: 2**16]) is not None:
        return "other"
    return "json" if head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"{" else "text"


_KINDS: dict[Kind, tuple[bytes, ...]] = {"zip": ZIP, "parquet": (PARQUET,), "gzip": (GZIP,), "text": _UTF16}


def content_kind(path: Path) -> Kind:
    """What ``path`` is, or what is in it if it is gzip; ``other`` if it is no file or cannot be read."""
    return kind_of(head_of(path)) if path.is_file() else "other"


def head_of(path: Path) -> bytes:
    """The first 256 KiB of a file, unpacked if it is gzip; nothing if it cannot be read: its reader will say why."""
    try:
        with path.open("rb") as stream:
            stored = stream.read(_HEAD)
    except OSError:
        return b""
    if not stored.startswith(GZIP):
        return stored
    try:
        return zlib.decompressobj(wbits=31).decompress(stored, _HEAD)
    except zlib.error:
        return stored


def first_line(path: Path) -> str:
    """The first line of a text file that is not blank, without its end and no longer than 256 KiB."""
    head = head_of(path)
    text = head.decode("utf-16" if head.startswith(_UTF16) else "utf-8-sig", errors="replace")
    return next((line for line in re.split("[\r\n]+", text) if line.strip()), "")


def first_object(path: Path) -> dict[str, Any]:
    """The object on the first line of a JSON Lines file; empty if there is none."""
    try:
        found = json.loads(first_line(path))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
