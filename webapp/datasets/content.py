"""What an uploaded file is, judged by its first bytes and not by its name."""

from typing import Any

from django.core.files import File

from engine.errors import DataError

GZIP = b"\x1f\x8b"
_UNICODE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_KNOWN = {
    b"PK\x03\x04": ("a ZIP archive or a spreadsheet", "Unpack it, or save the sheet as CSV, and upload that file."),
    b"PAR1": ("a Parquet file", "Write it as CSV and upload that."),
    b"%PDF": ("a PDF document", "Upload the table as CSV."),
    b"SQLite format 3": ("an SQLite database", "Export the table as CSV and upload that."),
}
_HEAD = 4096


def checked_name(role: str, file: "File[Any]") -> str:
    """The name under which ``file`` is stored, by its content: ``<role>.csv`` or ``<role>.csv.gz``.

    Args:
        role: ``interactions`` or ``items``.

    Raises:
        DataError: the file is empty, or it is neither text nor gzip.
    """
    file.seek(0)
    head: bytes = file.read(_HEAD)
    file.seek(0)
    if not head.strip():
        raise DataError(f"The {role} file is empty.", "Choose a CSV file with a header line and one row for each record.")
    if head.startswith(GZIP):
        return f"{role}.csv.gz"
    for mark, (what, hint) in _KNOWN.items():
        if head.startswith(mark):
            raise DataError(f"The {role} file is {what}, not a CSV file.", hint)
    if b"\x00" in head and not head.startswith(_UNICODE_MARKS):
        raise DataError(
            f"The {role} file holds a NUL byte at offset {head.index(0)}; is it a text file?",
            "Upload a CSV file, plain or gzipped.",
        )
    return f"{role}.csv"
