"""Timestamps as people write them, as seconds since 1970 in UTC: numbers, milliseconds, ISO 8601 dates."""

import re
from dataclasses import dataclass

import polars as pl

MILLISECONDS_ABOVE = 10**11
"""A number above this is in milliseconds: in seconds it would be the year 5138, in milliseconds it is 1973."""
LARGEST = 10**14

_NUMBER = r"^[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?$"
_ISO = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?(?: ?(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?))?)?$"
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
    frame = pl.DataFrame({"text": text, "number": text.cast(pl.Int64, strict=False)})
    if frame["number"].null_count():
        odd = pl.when(pl.col("number").is_null()).then(pl.col("text").str.strip_chars())
        frame = frame.select("number", odd=odd)
        iso, zoneless = _parse_iso(frame["odd"])
        frame = frame.select("number", real=_real(pl.col("odd")), iso=iso, zoneless=zoneless)
    else:
        frame = frame.select("number", real=pl.lit(None, pl.Float64), iso=pl.lit(None, pl.Int64), zoneless=pl.lit(False))
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


def _real(text: pl.Expr) -> pl.Expr:
    """Numbers with a point or an exponent; null for all else, and for nan and inf."""
    return pl.when(text.str.contains(_NUMBER)).then(text.cast(pl.Float64, strict=False))


def _parse_iso(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """ISO dates as milliseconds since 1970, null for all else, and which of them name no zone.

    The parts stand at fixed places, so slices do, which are faster than groups; the rare parts are read only where there are any.
    """
    column = pl.col("text")
    frame = pl.DataFrame({"text": text}).select("text", right=column.str.contains(_ISO).fill_null(False), zone=_zone(column))
    day = column.str.head(10).str.to_date("%Y-%m-%d", strict=False).cast(pl.Int32).cast(pl.Int64)
    moment = day * 86_400_000 + _digits(column, 11) * 3_600_000 + _digits(column, 14) * 60_000
    moment += pl.when(column.str.slice(16, 1) == ":").then(_digits(column, 17)).otherwise(0) * 1000
    if text.str.contains("[.,]").any():
        moment += column.str.extract(r"[.,]([0-9]{1,3})").str.pad_end(3, "0").cast(pl.Int64).fill_null(0)
    if frame["zone"].str.contains("[+-]").any():
        moment -= _zone_milliseconds(pl.col("zone"))
    result = frame.select(
        iso=pl.when(pl.col("right") & (moment >= 0)).then(moment), zoneless=pl.col("right") & pl.col("zone").is_null()
    )
    return result["iso"], result["zoneless"]


def _zone(text: pl.Expr) -> pl.Expr:
    return text.str.slice(16).str.extract(r"([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)$")


def _digits(text: pl.Expr, start: int) -> pl.Expr:
    return text.str.slice(start, 2).cast(pl.Int64, strict=False).fill_null(0)


def _zone_milliseconds(zone: pl.Expr) -> pl.Expr:
    minutes = _digits(zone, 1) * 60 + zone.str.slice(3).str.strip_prefix(":").cast(pl.Int64, strict=False).fill_null(0)
    return pl.when(zone.str.starts_with("-")).then(-minutes).otherwise(minutes).fill_null(0) * 60_000


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
