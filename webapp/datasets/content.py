"""What an uploaded file is, judged by its first bytes and not by its name."""

from typing import Any

from django.core.files import File

from engine.data.content import kind_of
from engine.data.text import binary_kind
from engine.errors import DataError

_ENDINGS = {"text": "csv", "json": "jsonl", "parquet": "parquet", "gzip": "csv.gz", "zip": "zip"}
_UNICODE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_WORKBOOK = b"[Content_Types].xml"
_HEAD = 4096


def checked_name(role: str, file: "File[Any]") -> str:
    """The name under which ``file`` is stored, by its content: ``<role>.csv``, ``.csv.gz``, ``.jsonl``, ``.parquet`` or ``.zip``.

    Args:
        role: ``interactions`` or ``items``.

    Raises:
        DataError: the file is empty, or none of these.
    """
    file.seek(0)
    head: bytes = file.read(_HEAD)
    file.seek(0)
    if not head.strip():
        raise DataError(f"The {role} file is empty.", "Choose a file with a row for each record.")
    kind = kind_of(head)
    if kind == "zip" and _WORKBOOK in head:
        raise DataError(f"The {role} file is a spreadsheet.", "Save the sheet as CSV, and upload that file.")
    if kind == "other" or (kind in ("text", "json") and b"\x00" in head and not head.startswith(_UNICODE_MARKS)):
        what = binary_kind(head) or (f"holding a NUL byte at offset {head.index(0)}" if 0 in head else "of an unknown kind")
        raise DataError(f"The {role} file is no text, but {what}.", "Upload the table as CSV, JSON Lines or Parquet.")
    return f"{role}.{_ENDINGS[kind]}"
