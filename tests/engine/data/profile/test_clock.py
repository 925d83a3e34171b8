import tempfile
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.profile import profile_version
from engine.data.profile.model import TimeProfile
from tests.engine.data.builders import Row
from tests.engine.data.profile.made import ROWS, made


def times_of(rows: list[Row]) -> TimeProfile:
    with tempfile.TemporaryDirectory() as folder:
        profile = profile_version(made(rows, Path(folder) / "version"))
    assert profile.times is not None
    return profile.times


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_positions_have_no_profile_in_time(tmp_path: Path) -> None:
    assert profile_version(made([("a", "x", 1), ("b", "x", 1)], tmp_path / "version", "position")).times is None


@given(ROWS)
@settings(max_examples=50, deadline=None)
def test_gaps_and_ties_by_brute_force(rows: list[Row]) -> None:
    rows = [(user, item, time // 1000) for user, item, time in rows]  # so that there are ties
    distinct = sorted(set(rows))
    found = times_of(distinct)
    of_user = {user: sorted(time for owner, _, time in distinct if owner == user) for user, _, _ in distinct}
    gaps = [later - time for times in of_user.values() for time, later in pairwise(times)]
    tied = sum(times.count(time) > 1 for times in of_user.values() for time in times)
    assert (found.gaps is None) == (not gaps)
    if found.gaps:
        assert (found.gaps.minimum, found.gaps.maximum) == (min(gaps), max(gaps))
        assert found.gaps.mean == pytest.approx(sum(gaps) / len(gaps))
    assert found.tied_interactions == pytest.approx(tied / len(distinct))
    assert found.tied_users == pytest.approx(sum(len(times) > len(set(times)) for times in of_user.values()) / len(of_user))
    assert found.tied_last == pytest.approx(
        sum(len(times) > 1 and times[-1] == times[-2] for times in of_user.values()) / len(of_user)
    )


@given(st.lists(st.integers(0, 10**11), min_size=2, max_size=20), st.sampled_from([1, 10, 10**3, 10**5, 10**7]))
@settings(max_examples=60, deadline=None)
def test_periods_hold_each_interaction_once(moments: list[int], shrink: int) -> None:
    times = [time // shrink for time in moments]
    found = times_of([("ab"[place % 2], f"item{place}", time) for place, time in enumerate(times)])
    starts = [datetime.fromisoformat(period.start).timestamp() for period in found.periods]
    assert len(starts) <= 62
    assert starts[0] <= min(times)
    assert starts[-1] <= max(times)
    for period, start, end in zip(found.periods, starts, [*starts[1:], float("inf")], strict=True):
        assert period.interactions == sum(start <= time < end for time in times)
    assert sum(period.interactions for period in found.periods) == len(times)
    assert datetime.fromisoformat(found.first).timestamp() == min(times)
    assert datetime.fromisoformat(found.last).timestamp() == max(times)


@pytest.mark.parametrize(
    ("first", "last", "unit", "start", "second"),
    [
        ("2020-05-06T10:20:30", "2020-05-07T09:00:00", "hour", "2020-05-06T10:00:00Z", "2020-05-06T11:00:00Z"),
        ("2020-05-06T10:20:30", "2020-05-20T09:00:00", "day", "2020-05-06T00:00:00Z", "2020-05-07T00:00:00Z"),
        ("2020-05-06T10:20:30", "2020-12-20T09:00:00", "week", "2020-05-04T00:00:00Z", "2020-05-11T00:00:00Z"),
        ("2020-12-31T23:59:59", "2024-01-01T00:00:00", "month", "2020-12-01T00:00:00Z", "2021-01-01T00:00:00Z"),
        ("2020-05-06T10:20:30", "2029-01-01T00:00:00", "quarter", "2020-04-01T00:00:00Z", "2020-07-01T00:00:00Z"),
        ("1999-05-06T10:20:30", "2029-01-01T00:00:00", "year", "1999-01-01T00:00:00Z", "2000-01-01T00:00:00Z"),
        ("1971-05-06T10:20:30", "2050-01-01T00:00:00", "decade", "1970-01-01T00:00:00Z", "1980-01-01T00:00:00Z"),
        ("1971-05-06T10:20:30", "5000-01-01T00:00:00", "century", "1900-01-01T00:00:00Z", "2000-01-01T00:00:00Z"),
    ],
)
def test_the_unit_follows_the_span_and_periods_begin_where_people_begin_them(
    first: str, last: str, unit: str, start: str, second: str
) -> None:
    found = times_of([("a", "x", moment(first)), ("b", "x", moment(last))])
    assert found.unit == unit
    assert [period.start for period in found.periods[:2]] == [start, second]


def test_times_are_told_in_utc() -> None:
    found = times_of([("a", "x", 0), ("b", "x", int(timedelta(days=2).total_seconds()))])
    assert (found.first, found.last) == ("1970-01-01T00:00:00Z", "1970-01-03T00:00:00Z")
    assert found.gaps is None
