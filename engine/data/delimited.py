"""The rows of delimited text: strictly quoted, each with the line on which it starts.

Blocks of regular rows, one on each line, the usual case of large files, are read by polars at millions of rows a second. A block
with anything else in it goes record by record through Python's strict CSV parser, which knows lines.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.data.rejected import nothing_rejected, rejected_rows
from engine.errors import DataError

_LARGE, _SMALL = 2**24, 2**18
"""Bytes of a block; what is irregular in a large one is sought in small ones."""
_BLOCK = 100_000
"""Rows that are kept as lists of text at once."""
_NO_LETTER = "\x1e"
"""A separator that text does not have, for lines that are to come whole."""
_LONGEST_FIELD = 131_072


@dataclass(frozen=True)
class Form:
    """How rows are written.

    Attributes:
        name: file name, for messages.
        columns: the names of the fields.
        delimiter: one character.
        quotes: whether ``"`` quotes fields (RFC 4180); if not, it is a letter like any other.
    """

    name: str
    columns: Sequence[str]
    delimiter: str
    quotes: bool


@dataclass(frozen=True, eq=False)
class Rows:
    """What was read.

    Attributes:
        frame: all columns as text, empty fields as empty text.
        lines: 1-based line on which each row starts, int64; None: one row on each line, without a gap.
        rejected: rows with too few or too many fields, as :data:`engine.data.rejected.REJECTED`.
    """

    frame: pl.DataFrame
    lines: npt.NDArray[np.int64] | None
    rejected: pl.DataFrame


def read_rows(data: bytes, form: Form, header: bool) -> Rows:
    """The rows of ``data``, UTF-8; with ``header`` those after the first record. Blank lines are skipped.

    Raises:
        DataError: a quote is never closed, or text follows a closing one.
    """
    reading = _Reading(data, form)
    if data.count(b"\r") == data.count(b"\r\n") and (not header or reading.skip_header()):
        reading.in_blocks()
    else:
        # Lines that end in CR alone, or a header that is not on the first line: rare, so the slow way is good enough.
        reading.strictly(records(form, data), header)
    return reading.rows()


def records(form: Form, data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank with the line on which it starts; raises DataError where quotes are wrong."""
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    for start, _, record in _parsed(form, lines, 1):
        yield start, record


def _parsed(form: Form, lines: Iterable[str], first: int) -> Iterator[tuple[int, int, list[str]]]:
    """Each record that is not blank, with the line on which it starts and the one after its last; ``lines`` begin at ``first``.

    No more lines are taken than each record needs.
    """
    reader = csv.reader(
        lines, delimiter=form.delimiter, strict=True, quoting=csv.QUOTE_MINIMAL if form.quotes else csv.QUOTE_NONE
    )
    start = first
    try:
        for record in reader:
            after = first + reader.line_num
            if record:
                yield start, after, record
            start = after
    except csv.Error as error:
        raise _quoting_error(form.name, start, first + reader.line_num - 1, str(error)) from error


class _Reading:
    """Rows as they come together from blocks."""

    def __init__(self, data: bytes, form: Form) -> None:
        self.data = data
        self.form = form
        self.position, self.line = 0, 1
        self.frames: list[pl.DataFrame] = []
        self.lines: list[npt.NDArray[np.int64]] = []
        self.bad: list[tuple[int, str, str]] = []
        self.regular = True

    def skip_header(self) -> bool:
        """Go to the second line, if the first one holds just the header."""
        end = self.data.find(b"\n") + 1 or len(self.data)
        try:
            first = list(records(self.form, self.data[:end]))
        except DataError:
            return False
        self.position, self.line = end, 2
        return bool(first) and first[0][1] == list(self.form.columns)

    def in_blocks(self) -> None:
        while self.position < len(self.data):
            end = self._block_end(self.position, _LARGE)
            if self._regularly(end):
                continue
            before = len(self.frames)
            while self.position < end:
                small = min(self._block_end(self.position, _SMALL), end)
                if not self._regularly(small):
                    self._irregularly(small)
            self.frames[before:] = [pl.concat(self.frames[before:], rechunk=True)]

    def strictly(self, found: Iterator[tuple[int, list[str]]], header: bool) -> None:
        """All records, the first one left out if it is the header."""
        if header:
            next(found)
        self._take(found)

    def rows(self) -> Rows:
        # Chunks stay as they are: to make them one would take the memory of all of them once more.
        frame = pl.concat([pl.DataFrame(schema=dict.fromkeys(self.form.columns, pl.String)), *self.frames])
        lines = None if self.regular else np.concatenate([np.empty(0, np.int64), *self.lines])
        return Rows(frame, lines, rejected_rows(*zip(*self.bad, strict=True)) if self.bad else nothing_rejected())

    def _block_end(self, start: int, size: int) -> int:
        """The end of the line in which a block of about ``size`` bytes would end."""
        return self.data.find(b"\n", start + size - 1) + 1 or len(self.data)

    def _regularly(self, end: int) -> bool:
        """Take the block up to ``end`` if it is regular."""
        frame = _regular_rows(self.form, self.data[self.position : end])
        if frame is None:
            return False
        self.frames.append(frame)
        self.lines.append(np.arange(self.line, self.line + frame.height))
        self.position, self.line = end, self.line + frame.height
        return True

    def _irregularly(self, end: int) -> None:
        """Take record by record up to ``end``, or to the end of the record that goes beyond it."""
        stream = io.BytesIO(self.data)
        stream.seek(self.position)

        def to_end() -> Iterator[tuple[int, list[str]]]:
            for start, after, record in _parsed(self.form, (line.decode() for line in stream), self.line):
                yield start, record
                if stream.tell() >= end:
                    self.line = after
                    return

        self._take(to_end())
        self.position = stream.tell()

    def _take(self, found: Iterator[tuple[int, list[str]]]) -> None:
        self.regular = False
        fields, delimiter = len(self.form.columns), self.form.delimiter
        while True:
            rows, lines, more = [], [], False
            for line, record in found:
                if len(record) == fields:
                    rows.append(record)
                    lines.append(line)
                else:
                    self.bad.append((line, f"too {'few' if len(record) < fields else 'many'} fields", delimiter.join(record)))
                if more := len(rows) == _BLOCK:
                    break
            self.frames.append(pl.DataFrame(rows, dict.fromkeys(self.form.columns, pl.String), orient="row"))
            self.lines.append(np.array(lines, np.int64))
            if not more:
                return


def _regular_rows(form: Form, block: bytes) -> pl.DataFrame | None:
    """The rows of whole lines, or None if not each line is one row of as many fields as there should be."""
    quoted = form.quotes and b'"' in block
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    fields = len(form.columns)
    if quoted and not _is_strictly_quoted(form, block, lines):
        return None
    if not quoted and block.count(form.delimiter.encode()) != (fields - 1) * lines:
        return None
    try:
        frame = pl.read_csv(
            io.BytesIO(block),
            has_header=False,
            schema=dict.fromkeys(form.columns, pl.String),
            separator=form.delimiter,
            quote_char='"' if quoted else None,
            empty_string_is_null=False,
            extra_columns="raise",
            missing_columns="raise",
        )
    except pl.exceptions.PolarsError:
        return None
    return frame.rechunk() if frame.height == lines else None


def _is_strictly_quoted(form: Form, block: bytes, lines: int) -> bool:
    """Whether each line is a whole record of as many fields as there should be, strictly quoted: then no field spans lines."""
    if _NO_LETTER.encode() in block:
        return False
    field = f'(?:"(?:[^"]|"")*"|[^"{form.delimiter}]*)'
    pattern = "^" + form.delimiter.join([field] * len(form.columns)) + r"\r?$"
    rows = pl.read_csv(
        io.BytesIO(block),
        has_header=False,
        schema={"line": pl.String},
        separator=_NO_LETTER,
        quote_char=None,
        empty_string_is_null=False,
    )["line"]
    return len(rows) == lines and bool(rows.str.contains(pattern).all())


def _quoting_error(name: str, start: int, line: int, reason: str) -> DataError:
    hint = 'Close the quote, and double each quote inside a quoted field: "a ""b"" c".'
    if "unexpected end" in reason:
        return DataError(f"{name}: a quote opened on line {start} is never closed.", hint)
    if "field larger" in reason:
        return DataError(
            f"{name}: the field that starts on line {start} is longer than {_LONGEST_FIELD:,} characters; is a quote left open?",
            hint,
        )
    return DataError(f"{name}, line {line}: text follows a closing quote (the record starts on line {start}).", hint)
