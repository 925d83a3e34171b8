"""The table of interactions: columns found, values converted, wrong rows named by line."""

import difflib
from dataclasses import dataclass

import polars as pl

from engine.data.parts import read_parts
from engine.data.raw import Time
from engine.data.rejected import why
from engine.data.table import Table, name_lines
from engine.data.times import explain, parse_times
from engine.errors import DataError


@dataclass(frozen=True)
class LogColumns:
    """The names that the columns have in a file; all but user and item may be missing there."""

    user: str = "user_id"
    item: str = "item_id"
    timestamp: str = "timestamp"
    rating: str = "rating"
    split: str = "split"


@dataclass(frozen=True, eq=False)
class Log:
    """What was read of a table of interactions.

    Attributes:
        interactions: in file order, as in :class:`engine.data.raw.RawData`.
        time: what their timestamps are.
        rejected: rows left out, as :data:`engine.data.rejected.REJECTED`.
    """

    interactions: pl.DataFrame
    time: Time
    notices: tuple[str, ...]
    rejected: pl.DataFrame


def read_log(table: Table, columns: LogColumns) -> Log:
    """Convert ``table`` to the interactions of :class:`engine.data.raw.RawData`.

    Raises:
        DataError: a required column is missing, there are no rows, or a timestamp, rating or part cannot be read.
    """
    for column in (columns.user, columns.item):
        require_column(table, column)
    table = table.skip((table.frame[columns.user] == "") | (table.frame[columns.item] == ""), "an empty user or item")
    if table.frame.is_empty():
        raise DataError(f"{table.name}: no interactions in the file.", "It needs a header line and one row for each interaction.")
    notices = list(table.notices)
    if table.skipped:
        notices.append(skipped_notice(table))
    # Ids repeat: as categories they take a quarter of the memory, and are compared as fast as numbers.
    frame = table.frame.select(
        pl.col(columns.user).cast(pl.Categorical).alias("user"), item=pl.col(columns.item).cast(pl.Categorical)
    )
    frame = frame.with_columns(weight=_ratings(table, columns.rating, notices))
    frame, time = _add_times(frame, table, columns.timestamp, notices)
    if columns.split in table.frame.columns:
        frame = frame.with_columns(part=read_parts(table, columns.split))
    known = {columns.user, columns.item, columns.timestamp, columns.rating, columns.split}
    if unused := [name for name in table.frame.columns if name not in known]:
        notices.append(f"{table.name}: columns not used: {', '.join(unused)}.")
    order = ["user", "item", "timestamp", "weight", *(name for name in ("fraction", "part") if name in frame.columns)]
    return Log(frame.select(order), time, tuple(notices), table.rejected)


def require_column(table: Table, column: str) -> None:
    """Raise DataError, with what was found and a guess, if ``table`` has no ``column``."""
    found = table.frame.columns
    if column in found:
        return
    plain = {name.strip().lower(): name for name in found}
    close = difflib.get_close_matches(column, plain, n=1)
    guess = (
        f"Is {plain[close[0]]!r} meant? Rename it to {column}."
        if close
        else f"Add the column, or rename the one that is meant to {column}."
    )
    raise DataError(f"{table.name}: required column `{column}` is missing; found: {', '.join(found)}.", guess)


def skipped_notice(table: Table) -> str:
    """The sentence about rows that were left out."""
    count = len(table.skipped)
    rows = f"{count:,} row{'s' if count > 1 else ''} skipped ({why(table.rejected)})"
    return f"{table.name}: {rows}: {name_lines(table.skipped)}."


def _ratings(table: Table, column: str, notices: list[str]) -> pl.Series:
    if column not in table.frame.columns:
        return pl.Series([None], dtype=pl.Float32).new_from_index(0, table.frame.height)
    text = table.frame[column]
    values = text.cast(pl.Float64, strict=False)
    if values.null_count():
        values = text.str.strip_chars().cast(pl.Float64, strict=False)
    empty = text.str.strip_chars() == ""
    wrong = (values.is_null() | ~values.is_finite()).fill_null(True) & ~empty
    if wrong.any():
        values_there = text.filter(wrong)
        raise DataError(
            f"{table.name}, line {table.line(int(wrong.arg_true()[0]))}: rating '{values_there[0][:40]}' is not a number"
            f"{_others(table, wrong, values_there)}.",
            "Fix it, or leave the rating empty.",
        )
    missing = int(empty.sum())
    if 0 < missing < len(text):
        notices.append(f"{table.name}: {missing:,} interactions have no rating; their weight is 1.")
    return (values + 0.0).cast(pl.Float32)


def _add_times(frame: pl.DataFrame, table: Table, column: str, notices: list[str]) -> tuple[pl.DataFrame, Time]:
    text = table.frame[column] if column in table.frame.columns else None
    if text is None or (text.str.strip_chars() == "").all():
        notices.append(f"{table.name}: there are no timestamps; the order of the rows is taken as the order in time.")
        position = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("user")
        return frame.with_columns(timestamp=position), "order"
    times = parse_times(text)
    _refuse_wrong_times(table, text, times.milliseconds)
    _refuse_bare_dates(table, text)
    notices.extend(_time_notices(table.name, times.in_milliseconds, times.numbers, times.without_zone))
    fraction = (times.milliseconds % 1000).cast(pl.Int32)
    frame = frame.with_columns(timestamp=times.milliseconds // 1000)
    if (fraction != 0).any():
        frame = frame.with_columns(fraction=fraction)
    return frame, "position" if _are_positions(frame) else "real"


def _refuse_wrong_times(table: Table, text: pl.Series, times: pl.Series) -> None:
    wrong = times.is_null()
    if wrong.any():
        values = text.filter(wrong)
        raise DataError(
            f"{table.name}, line {table.line(int(wrong.arg_true()[0]))}: {explain(values[0])}{_others(table, wrong, values)}.",
            "Fix it, or take the column out: then the order of the rows counts.",
        )


def _refuse_bare_dates(table: Table, text: pl.Series) -> None:
    """20200914 is a date to people; taken for seconds it would be an evening in August 1970."""
    if text.str.contains(r"^(19[7-9]|20[0-9])[0-9](0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])$").all():
        raise DataError(
            f"{table.name}, line {table.line(0)}: timestamp '{text[0]}' is a date without dashes, as are all others.",
            "Write dates as 2020-12-31, or times as seconds since 1970.",
        )


def _others(table: Table, wrong: pl.Series, values: pl.Series, most: int = 10) -> str:
    if len(values) == 1:
        return ""
    rows = zip(wrong.arg_true().head(most), values.head(most), strict=True)
    shown = "; ".join(f"line {table.line(int(row))} '{value[:40]}'" for row, value in rows)
    return f" ({len(values):,} such rows: {shown}{'; ...' if len(values) > most else ''})"


def _time_notices(name: str, in_milliseconds: int, numbers: int, without_zone: int) -> list[str]:
    notices = []
    if in_milliseconds and in_milliseconds < numbers:
        notices.append(
            f"{name}: timestamps mix seconds and milliseconds; {in_milliseconds:,} of {numbers:,} are above 1e11 and were "
            "divided by 1000, row by row. Check that the order is right."
        )
    elif in_milliseconds:
        notices.append(f"{name}: timestamps are in milliseconds and were divided by 1000.")
    if without_zone:
        notices.append(f"{name}: {without_zone:,} dates have no time zone and were read as UTC.")
    return notices


def _are_positions(frame: pl.DataFrame) -> bool:
    """Whether the timestamps of each user are exactly 1 to n."""
    in_range = frame["timestamp"].is_between(1, frame.height).all()
    if "fraction" in frame.columns or not in_range:
        return False
    time = pl.col("timestamp")
    exact = (time.min() == 1) & (time.max() == pl.len()) & (time.n_unique() == pl.len())
    return bool(frame.group_by("user").agg(exact=exact)["exact"].all())
