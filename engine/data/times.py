"""Timestamps as people write them, as seconds since 1970 in UTC: numbers, milliseconds, ISO 8601 dates."""

import re
from dataclasses import dataclass

import polars as pl

MILLISECONDS_ABOVE = 10**11
"""A number above this is in milliseconds: in seconds it would be the year 5138, in milliseconds it is 1973."""
LARGEST = 10**14

_NUMBER = r"^[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?$"
_ISO = (
    r"^(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9])(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r" ?(?P<zone>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?$"
)
_AMBIGUOUS = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b.*")


@dataclass(frozen=True, eq=False)
class Times:
    """Times of the rows of a table.

    Attributes:
        milliseconds: int64 since 1970; null where the text is no time.
        in_milliseconds: how many values were milliseconds.
        numbers: how many values were numbers.
        without_zone: how many values were dates without a time zone, read as UTC.
    """

    milliseconds: pl.Series
    in_milliseconds: int
    numbers: int
    without_zone: int


def parse_times(text: pl.Series) -> Times:
    """Read ``text``, one value a row; what cannot be read is null in the answer."""
    whole = text.cast(pl.Int64, strict=False)
    frame = pl.DataFrame({"text": text, "number": whole})
    if whole.null_count():
        odd = frame.filter(pl.col("number").is_null()).select("text").unique()
        frame = frame.join(_parse_odd(odd), on="text", how="left", nulls_equal=True, maintain_order="left")
    else:
        frame = frame.with_columns(real=pl.lit(None, pl.Float64), iso=pl.lit(None, pl.Int64), zoneless=pl.lit(False))
    number = pl.coalesce(pl.col("number").cast(pl.Float64), "real")
    fine = number.is_between(0, LARGEST)
    large = number > MILLISECONDS_ABOVE
    from_whole = pl.when(large).then(pl.col("number")).otherwise(pl.col("number") * 1000)
    from_real = pl.when(large).then(pl.col("real")).otherwise(pl.col("real") * 1000).round()
    result = frame.select(
        milliseconds=pl.when(fine).then(pl.coalesce(from_whole, from_real.cast(pl.Int64, strict=False))).otherwise(pl.col("iso")),
        large=fine & large,
        number=fine,
        zoneless=pl.col("zoneless"),
    )
    return Times(
        result["milliseconds"],
        int(result["large"].sum() or 0),
        int(result["number"].sum() or 0),
        int(result["zoneless"].sum() or 0),
    )


def _parse_odd(odd: pl.DataFrame) -> pl.DataFrame:
    """For texts that are no int64: ``real`` (a number with a point or an exponent), ``iso`` (milliseconds) and ``zoneless``."""
    stripped = pl.col("text").str.strip_chars()
    parts = odd.select("text", part=stripped.str.extract_groups(_ISO)).unnest("part")
    day = pl.col("date").str.to_date("%Y-%m-%d", strict=False).cast(pl.Int32).cast(pl.Int64)
    clock = pl.lit(0, pl.Int64)
    for part, unit in (("hour", 3_600_000), ("minute", 60_000), ("second", 1000)):
        clock = clock + pl.col(part).cast(pl.Int64).fill_null(0) * unit
    fraction = pl.col("fraction").fill_null("").str.pad_end(3, "0").str.slice(0, 3).cast(pl.Int64)
    moment = day * 86_400_000 + clock + fraction - _zone_milliseconds()
    real = pl.when(pl.col("text").str.strip_chars().str.contains(_NUMBER)).then(stripped.cast(pl.Float64, strict=False))
    return parts.select(
        "text",
        real=real.otherwise(None),
        iso=pl.when(moment >= 0).then(moment).otherwise(None),
        zoneless=(pl.col("date").is_not_null() & pl.col("zone").is_null()).fill_null(False),
    )


def _zone_milliseconds() -> pl.Expr:
    digits = pl.col("zone").str.replace_all("[^0-9]", "").str.pad_end(4, "0")
    minutes = digits.str.slice(0, 2).cast(pl.Int64, strict=False) * 60 + digits.str.slice(2, 2).cast(pl.Int64, strict=False)
    sign = pl.when(pl.col("zone").str.starts_with("-")).then(-1).otherwise(1)
    return (minutes * sign * 60_000).fill_null(0)


def explain(value: str) -> str:
    """Why ``value`` is no time: the end of a sentence that begins with "line 42: "."""
    stripped = value.strip()
    if not stripped:
        return "the timestamp is empty"
    shown = stripped if len(stripped) <= 40 else stripped[:40] + "..."
    if _AMBIGUOUS.fullmatch(stripped):
        return f"timestamp '{shown}' is an ambiguous date (which is the month?); write it as 2020-12-31"
    if re.match(_NUMBER, stripped):
        return f"timestamp '{shown}' is " + (
            "before 1970" if stripped.startswith("-") else "too large for a time in milliseconds"
        )
    if re.match(_ISO, stripped):
        return f"timestamp '{shown}' is no date from 1970 on"
    return f"timestamp '{shown}' is not a number or an ISO date"
