"""Delimited text as a table of text columns: strict quoting, and a line number for every row."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.data.delimited import Form, read_rows, records
from engine.data.rejected import nothing_rejected, rejected_rows
from engine.data.text import Text
from engine.errors import DataError

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}


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
    names = list(columns) if columns else _header(text, delimiter, quotes)
    rows = read_rows(text.data, Form(text.name, names, delimiter, quotes), header=columns is None)
    ragged, total = rows.rejected.height, rows.frame.height + rows.rejected.height
    if ragged > 0.1 * total:
        raise DataError(
            f"{text.name}: {ragged:,} of {total:,} rows do not have the {len(names)} fields that the header names "
            f"({name_lines(rows.rejected['line'].to_list())}).",
            "Check the delimiter and the quotes of the file.",
        )
    return Table(text.name, rows.frame, rows.lines, 1 if columns else 2, rows.rejected, tuple(notices))


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


def _header(text: Text, delimiter: str, quotes: bool) -> list[str]:
    first = next(records(Form(text.name, (), delimiter, quotes), text.data), None)
    if first is None:
        raise DataError(f"{text.name}: the file is empty.", "Upload a file with a header line.")
    names = first[1]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{text.name}: the header names the column {twice[0]!r} twice.", "Rename or remove one of them.")
    return names
