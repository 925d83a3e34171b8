from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.times import explain, parse_times

NOON = 1_600_086_400_000  # 2020-09-14T12:26:40Z


def parse(*values: str) -> list[int | None]:
    return parse_times(pl.Series(values, dtype=pl.String)).milliseconds.to_list()


@pytest.mark.parametrize(
    "value",
    [
        "1600086400",
        "1600086400.0",
        " 1600086400 ",
        "+1600086400",
        "1.6000864e9",
        "1600086400000",
        "1600086400000.0",
        "2020-09-14T12:26:40Z",
        "2020-09-14 12:26:40",
        "2020-09-14T12:26:40.000+00:00",
        "2020-09-14T14:26:40+02:00",
        "2020-09-14T14:26:40+0200",
        "2020-09-14T14:26:40 +02",
        "2020-09-14T08:56:40-03:30",
    ],
)
def test_one_moment_in_many_shapes(value: str) -> None:
    assert parse(value) == [NOON]


def test_shapes_may_be_mixed_and_rows_keep_their_places() -> None:
    assert parse("2020-09-14", "0", "x", "2020-09-14T12:26", "1600086400123", "2020-09-14", "x") == [
        NOON - 44_800_000,
        0,
        None,
        NOON - 40_000,
        NOON + 123,
        NOON - 44_800_000,
        None,
    ]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("yesterday", "timestamp 'yesterday' is not a number or an ISO date"),
        ("NaN", "not a number"),
        ("inf", "not a number"),
        ("1e400", "not a number"),
        ("0x5", "not a number"),
        ("", "the timestamp is empty"),
        ("  ", "the timestamp is empty"),
        ("-5", "before 1970"),
        ("99999999999999999999", "too large"),
        ("1600086400000000", "too large"),
        ("03/04/2020", "ambiguous date"),
        ("3.4.20 12:00", "ambiguous date"),
        ("2020-02-30", "no date from 1970 on"),
        ("1969-12-31", "no date from 1970 on"),
        ("2020-13-01", "no date from 1970 on"),
        ("2020-09-14T25:00:00", "not a number or an ISO date"),
    ],
)
def test_what_is_no_time_is_null_and_explained(value: str, reason: str) -> None:
    assert parse(value, "5") == [None, 5000]
    assert reason in explain(value)


def test_what_was_found_is_counted() -> None:
    times = parse_times(pl.Series(["1600086400", "1600086400000", "2020-09-14", "2020-09-14T12:26:40Z"]))
    assert (times.numbers, times.in_milliseconds, times.without_zone) == (2, 1, 1)


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
def test_iso_dates_agree_with_the_standard_library(moment: datetime, offset: int, precision: str) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    text = aware.isoformat(timespec=precision)
    exact = datetime.fromisoformat(text).astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    assert parse(text) == [exact // timedelta(milliseconds=1)]
