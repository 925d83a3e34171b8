"""The first rows of a file of any size, read from its first bytes alone."""

import codecs
import csv
import io
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Literal

from engine.data.content import kind_of
from engine.data.jsonl_line import BadLine, read_line
from engine.data.mapping.model import FileMapping, column_name
from engine.data.text import GZIP, binary_kind
from engine.errors import DataError

ROWS = 200
MOST_COLUMNS = 200
_HEAD = 2**18
_LONGEST = 2000
_SNIFFED = (",", ";", "\t")
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_PLAIN = "Save the table as CSV (UTF-8), JSON Lines or Parquet and upload that."


@dataclass(frozen=True)
class Head:
    """The first rows of one file.

    Attributes:
        name: file name, for messages.
        kind: what it is by its content.
        columns: names in order; made up where there is no header.
        rows: at most :data:`ROWS`, each with a text for every column.
        lines: the 1-based line on which each row starts; in Parquet the number of the row.
        problems: what is wrong with a whole row, by its place in ``rows``.
        delimiter: between the fields; empty where there is none.
        encoding: what the text was read as; empty for Parquet.
    """

    name: str
    kind: Literal["text", "json", "parquet"]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    problems: dict[int, str]
    delimiter: str = ""
    encoding: str = ""

    def values(self, column: str) -> list[str]:
        """The cells of a column."""
        place = self.columns.index(column)
        return [row[place] for row in self.rows]


def read_head(name: str, stream: BinaryIO, mapping: FileMapping | None = None) -> Head:
    """The first rows of ``stream``; of text and gzip only the first 256 KiB are read, of Parquet the end and the first rows.

    Args:
        name: the file's name.
        stream: its bytes, from the start; Parquet needs one that can seek.
        mapping: header, delimiter and encoding, where people said what they are.

    Raises:
        DataError: the file is empty, no table, or its first row cannot be read.
    """
    mapping = mapping or FileMapping()
    stored = stream.read(_HEAD)
    data = _unpacked(name, stored)
    whole = len(stored) < _HEAD and len(data) < _HEAD
    kind = kind_of(data)
    if kind == "parquet":
        if stored.startswith(GZIP):
            raise DataError(f"{name}: a Parquet file packed by gzip shows no preview.", "Upload the Parquet file as it is.")
        return _parquet_head(name, stream)
    if kind in ("zip", "gzip", "other"):
        what = binary_kind(data[: 2**16]) or "something else"
        raise DataError(f"{name}: this is not a text file, but {what}.", _PLAIN)
    if not data.strip():
        raise DataError(f"{name}: the file is empty.", "Upload a file with a header line and one row for each record.")
    text, encoding = _decoded(name, data, mapping.encoding, whole)
    return _json_head(name, text, encoding, whole) if kind == "json" else _text_head(name, text, encoding, whole, mapping)


def _unpacked(name: str, stored: bytes) -> bytes:
    if not stored.startswith(GZIP):
        return stored
    try:
        return zlib.decompressobj(wbits=31).decompress(stored, _HEAD)
    except zlib.error as error:
        raise DataError(f"{name}: the gzip file is damaged ({error}).", "Pack or upload it again.") from error


def _decoded(name: str, data: bytes, wanted: str | None, whole: bool) -> tuple[str, str]:
    """The text, without a letter that the end of the head cuts in two, and its encoding."""
    marked = next((encoding for mark, encoding in _MARKS.items() if data.startswith(mark)), None)
    if marked is None and (zero := data.find(b"\0")) >= 0:
        raise DataError(f"{name}: NUL byte at offset {zero}; is this a text file?", _PLAIN)
    for encoding in (marked,) if marked else ("utf-8", *((wanted,) if wanted else ("cp1252", "latin-1"))):
        try:
            decoder = codecs.getincrementaldecoder(encoding)()
            return decoder.decode(data, final=whole).removeprefix("\ufeff"), encoding
        except UnicodeDecodeError as error:
            problem = error
    raise DataError(f"{name}: the text is not {problem.encoding} (byte {problem.start}).", "Choose another encoding.")


def _text_head(name: str, text: str, encoding: str, whole: bool, mapping: FileMapping) -> Head:
    first = text.lstrip("\r\n").splitlines()[0]
    delimiter = mapping.delimiter or max(_SNIFFED, key=first.count)
    records = _records(name, text, delimiter, whole)
    if not records:
        raise DataError(f"{name}: the first row is longer than {_HEAD:,} bytes; is a quote left open?", _PLAIN)
    _, names = records[0]
    if not mapping.header:
        names = [column_name(place) for place in range(len(names))]
    if len(names) > MOST_COLUMNS:
        raise DataError(f"{name}: {len(names):,} columns, at most {MOST_COLUMNS} can be mapped.", "Leave some of them out.")
    if twice := sorted({one for one in names if names.count(one) > 1}):
        raise DataError(f"{name}: the header names the column {twice[0]!r} twice.", "Rename or remove one of them.")
    body = records[1 if mapping.header else 0 :][:ROWS]
    rows, problems = [], {}
    for place, (_, record) in enumerate(body):
        if len(record) != len(names):
            few = "few" if len(record) < len(names) else "many"
            problems[place] = f"too {few} fields ({len(record)} of {len(names)}): the row is left out"
        rows.append(tuple([cell[:_LONGEST] for cell in record[: len(names)]] + [""] * (len(names) - len(record))))
    lines = tuple(line for line, _ in body)
    return Head(name, "text", tuple(names), tuple(rows), lines, problems, delimiter, encoding)


def _records(name: str, text: str, delimiter: str, whole: bool) -> list[tuple[int, list[str]]]:
    """The first records that are not blank, with their lines; the last one goes if the head may have cut it."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for record in reader:
            if record:
                found.append((start, record))
            start = reader.line_num + 1
            if len(found) > ROWS + 1:
                return found
    except csv.Error as error:
        if whole or not found:
            raise DataError(
                f"{name}: the row that starts on line {start} cannot be read ({error}).",
                'Close the quote, and double each quote inside a quoted field: "a ""b"" c".',
            ) from error
        return found
    return found if whole else found[:-1]


def _json_head(name: str, text: str, encoding: str, whole: bool) -> Head:
    lines = text.split("\n")
    if not whole:
        lines = lines[:-1]
    columns: dict[str, None] = {}
    objects: list[tuple[int, dict[str, str], str]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found, problem = {key: _cell(value) for key, value in read_line(line).items()}, ""
        except BadLine as reason:
            found, problem = {}, f"{reason}: the row is left out"
        columns.update(dict.fromkeys(found))
        objects.append((number, found, problem))
        if len(objects) == ROWS:
            break
    if not columns or len(columns) > MOST_COLUMNS:
        first = f" (line {objects[0][0]}: {objects[0][2]})" if objects and objects[0][2] else ""
        raise DataError(f"{name}: no line holds an object that can be used{first}.", "JSON Lines has one object a line.")
    return Head(
        name,
        "json",
        tuple(columns),
        tuple(tuple(found.get(column, "") for column in columns) for _, found, _ in objects),
        tuple(number for number, _, _ in objects),
        {place: problem for place, (_, _, problem) in enumerate(objects) if problem},
        encoding=encoding,
    )


def _cell(value: object) -> str:
    """A value of JSON as the text that it becomes."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "|".join(_cell(member) for member in value)[:_LONGEST]
    return str(value).lower() if isinstance(value, bool) else str(value)[:_LONGEST]


def _parquet_head(name: str, stream: BinaryIO) -> Head:
    from engine.data.parquet import first_rows

    frame = first_rows(name, stream, ROWS)
    rows = tuple(tuple(cell[:_LONGEST] for cell in row) for row in frame.iter_rows())
    return Head(name, "parquet", tuple(frame.columns), rows, tuple(range(1, frame.height + 1)), {})
