"""Rows that were left out: where they stand, why, and what they say."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from engine.data.spreadsheet import without_formulas
from engine.durable import write_whole
from engine.errors import UserError

REJECTED = {"line": pl.Int64, "reason": pl.String, "text": pl.String}
"""``line``: 1-based, on which the row starts; ``reason``: in words for people; ``text``: the row as it stands."""
SHOWN = 500
"""Characters of a rejected row that are kept."""
FIELDS = ("too few fields", "too many fields", "an empty user or item", "an empty item id")
"""Reasons of delimited text; one phrase in notices stands for them all."""


def nothing_rejected() -> pl.DataFrame:
    """A frame of :data:`REJECTED` without rows."""
    return pl.DataFrame(schema=REJECTED)


def rejected_rows(lines: Sequence[int], reasons: Sequence[str], texts: Sequence[str]) -> pl.DataFrame:
    """Rejected rows as a frame of :data:`REJECTED`, in the order given, their texts cut to :data:`SHOWN` characters."""
    frame = pl.DataFrame({"line": lines, "reason": reasons, "text": texts}, schema=REJECTED)
    return frame.with_columns(pl.col("text").str.head(SHOWN))


def of_files(rejected: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The rejected rows of several files together, with the name of the ``file`` as first column."""
    named = [frame.select(pl.lit(name, pl.String).alias("file"), *REJECTED) for name, frame in rejected.items()]
    return pl.concat([pl.DataFrame(schema={"file": pl.String, **REJECTED}), *named])


def list_beside(folder: Path) -> Path:
    """Where the list of rows that were rejected on the way to the version in ``folder`` lies: beside it, ``NAME.rejected.csv``.

    Not in it: a version never changes, and the same version can come from files with other faults.
    """
    folder = folder.resolve()
    return folder.with_name(f"{folder.name}.rejected.csv")


def write_rejected(rejected: pl.DataFrame, path: Path) -> None:
    """Write what :func:`of_files` gave as CSV for people: ``file,line,reason,text``, formula cells made harmless.

    Raises:
        UserError: the file cannot be written.
    """
    shown = rejected.with_columns(without_formulas(pl.col(name)) for name in ("file", "text"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, shown.write_csv(quote_style="non_numeric"))
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.", "Choose a folder that may be written to.") from error


def why(rejected: pl.DataFrame, most: int = 3) -> str:
    """The reasons in a few words, the most frequent first."""
    reasons = rejected["reason"].value_counts(sort=True)["reason"].to_list()
    if set(reasons) <= set(FIELDS):
        return "too few, too many or empty fields"
    rest = f" and {len(reasons) - most:,} other reasons" if len(reasons) > most else ""
    return "; ".join(sorted(reasons[:most])) + rest
