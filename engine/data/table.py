"""Delimited text as a table of text columns: strict quoting, and a line number for every row.

Two ways lead to the same table. Text with regular rows, one on each line, the usual case of large files, is read by polars at
millions of rows a second. Everything else goes record by record through Python's strict CSV parser, which knows lines.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.data.rejected import nothing_rejected, rejected_rows
from engine.data.text import Text
from engine.errors import DataError

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
_BLOCK = 100_000
_LONGEST_FIELD = 131_072


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of one file.

    Attributes:
        name: file name, for messages.
        frame: all columns as text, nothing stripped, empty fields as empty text.
        lines: 1-based line on which each row starts, int64; None: row ``i`` is on line ``first_line + i``.
        first_line: see ``lines``.
        rejected: rows that were left out, ordered by line, as :data:`engine.data.rejected.REJECTED`.
        notices: what people should know.
        lists: columns whose values were lists; their members are joined.
    """

    name: str
    frame: pl.DataFrame
    lines: npt.NDArray[np.int64] | None
    first_line: int
    rejected: pl.DataFrame = field(default_factory=nothing_rejected)
    notices: tuple[str, ...] = ()
    lists: frozenset[str] = frozenset()

    @property
    def skipped(self) -> tuple[int, ...]:
        """Lines of the rows that were left out."""
        return tuple(self.rejected["line"])

    def line(self, row: int) -> int:
        """The 1-based line on which ``row`` (0-based) starts."""
        return self.first_line + row if self.lines is None else int(self.lines[row])

    def lines_where(self, mask: pl.Series) -> list[int]:
        """Lines of the rows where ``mask`` is true."""
        return [self.line(int(row)) for row in mask.arg_true()]

    def skip(self, mask: pl.Series, reason: str) -> "Table":
        """The table without the rows where ``mask`` is true; they are added to ``rejected``."""
        if not mask.any():
            return self
        lines = self.lines if self.lines is not None else np.arange(self.first_line, self.first_line + self.frame.height)
        texts = [",".join(row) for row in self.frame.filter(mask).iter_rows()]
        dropped = rejected_rows(self.lines_where(mask), [reason] * len(texts), texts)
        rejected = pl.concat([self.rejected, dropped]).sort("line", maintain_order=True)
        kept = (~mask).to_numpy()
        return replace(self, frame=self.frame.filter(~mask), lines=lines[kept], rejected=rejected)


def read_table(text: Text, *, columns: Sequence[str] | None = None, delimiter: str | None = None, quotes: bool = True) -> Table:
    """Parse ``text``.

    Args:
        text: the file.
        columns: the column names, if the file has no header.
        delimiter: one character; None finds out whether it is a comma, a semicolon or a tab.
        quotes: whether ``"`` quotes fields (RFC 4180); if not, it is a letter like any other.

    Raises:
        DataError: a quote is never closed, the header names a column twice, or more than a tenth of the rows are ragged.
    """
    notices = list(text.notices)
    if delimiter is None:
        delimiter = _sniff(text.data)
        if delimiter != ",":
            notices.append(f"{text.name}: detected {DELIMITERS[delimiter]} between the fields, not a comma.")
    names, first_line = (list(columns), 1) if columns else _header(text, delimiter, quotes)
    table = _read_fast(text, names, first_line, delimiter, quotes, header=columns is None)
    if table is None:
        table = _read_strict(text, names, delimiter, quotes, header=columns is None)
    if len(table.skipped) > 0.1 * (table.frame.height + len(table.skipped)):
        raise DataError(
            f"{text.name}: {len(table.skipped):,} of {table.frame.height + len(table.skipped):,} rows do not have the "
            f"{len(names)} fields that the header names ({name_lines(table.skipped)}).",
            "Check the delimiter and the quotes of the file.",
        )
    return replace(table, notices=tuple(notices))


def name_lines(lines: Sequence[int], most: int = 10) -> str:
    """``lines 7, 8 and 4 more``: lines for a message."""
    shown = ", ".join(str(line) for line in lines[:most])
    rest = f" and {len(lines) - most:,} more" if len(lines) > most else ""
    return f"line{'s' if len(lines) > 1 else ''} {shown}{rest}"


def _first_line(data: bytes) -> str:
    ends = [end for end in (data.find(b"\n"), data.find(b"\r")) if end >= 0]
    return data[: min(ends, default=len(data))].decode()


def _sniff(data: bytes) -> str:
    header = _first_line(data)
    return max(DELIMITERS, key=header.count)


def _header(text: Text, delimiter: str, quotes: bool) -> tuple[list[str], int]:
    first = next(_records(text, delimiter, quotes), None)
    if first is None:
        raise DataError(f"{text.name}: the file is empty.", "Upload a file with a header line.")
    names = first[1]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{text.name}: the header names the column {twice[0]!r} twice.", "Rename or remove one of them.")
    return names, first[0] + 1


def _read_fast(text: Text, names: list[str], first_line: int, delimiter: str, quotes: bool, header: bool) -> Table | None:
    """The table by polars, or None if the text is not so regular that row and line numbers agree."""
    data = text.data
    quoted = quotes and b'"' in data
    if data.count(b"\r") != data.count(b"\r\n") or first_line != 1 + header:
        return None
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if quoted and not _is_regular(data, len(names), delimiter, lines, header):
        return None
    try:
        frame = pl.read_csv(
            io.BytesIO(data),
            has_header=False,
            skip_lines=int(header),
            schema=dict.fromkeys(names, pl.String),
            separator=delimiter,
            quote_char='"' if quoted else None,
            empty_string_is_null=False,
            extra_columns="raise",
            missing_columns="raise",
        )
    except pl.exceptions.PolarsError:
        return None
    regular = quoted or data.count(delimiter.encode()) == (len(names) - 1) * lines
    return Table(text.name, frame, None, first_line) if regular and lines == frame.height + header else None


def _is_regular(data: bytes, fields: int, delimiter: str, lines: int, header: bool) -> bool:
    """Whether each line is a whole record of as many fields as there should be, strictly quoted: then no field spans lines."""
    field = f'(?:"(?:[^"]|"")*"|[^"{delimiter}]*)'
    pattern = "^" + delimiter.join([field] * fields) + r"\r?$"
    rows = pl.read_csv(
        io.BytesIO(data),
        has_header=False,
        skip_lines=int(header),
        schema={"line": pl.String},
        separator="\x1e",
        quote_char=None,
        empty_string_is_null=False,
    )["line"]
    return b"\x1e" not in data and len(rows) == lines - header and bool(rows.str.contains(pattern).all())


def _read_strict(text: Text, names: list[str], delimiter: str, quotes: bool, header: bool) -> Table:
    records = _records(text, delimiter, quotes)
    if header:
        next(records)
    schema = dict.fromkeys(names, pl.String)
    blocks = [pl.DataFrame(schema=schema)]
    rows: list[list[str]] = []
    lines: list[int] = []
    bad: list[tuple[int, str, str]] = []
    for line, record in records:
        if len(record) != len(names):
            bad.append((line, f"too {'few' if len(record) < len(names) else 'many'} fields", delimiter.join(record)))
            continue
        rows.append(record)
        lines.append(line)
        if len(rows) == _BLOCK:
            blocks.append(pl.DataFrame(rows, schema=schema, orient="row"))
            rows = []
    blocks.append(pl.DataFrame(rows, schema=schema, orient="row"))
    return Table(
        text.name,
        pl.concat(blocks),
        np.array(lines, np.int64),
        1,
        rejected_rows(*zip(*bad, strict=True)) if bad else nothing_rejected(),
    )


def _records(text: Text, delimiter: str, quotes: bool) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank with the line on which it starts."""
    lines = io.TextIOWrapper(io.BytesIO(text.data), encoding="utf-8", newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE)
    start = 1
    try:
        for record in reader:
            if record:
                yield start, record
            start = reader.line_num + 1
    except csv.Error as error:
        raise _quoting_error(text.name, start, reader.line_num, str(error)) from error


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
