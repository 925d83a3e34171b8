"""When interactions happened: periods, gaps, ties."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from engine.data.profile.counts import quantiles
from engine.data.profile.model import Period, TimeProfile, Unit
from engine.data.version import Version

_MOST = 60
_HOUR, _DAY = 3600, 86_400
_LENGTHS: dict[Unit, float] = {
    "hour": 1 / 24,
    "day": 1,
    "week": 7,
    "month": 30.5,
    "quarter": 91.3,
    "year": 365.25,
    "decade": 3652.5,
}
"""Days, about."""
_MONTHS: dict[Unit, int] = {"month": 1, "quarter": 3, "year": 12, "decade": 120, "century": 1200}


def time_profile(version: Version, offsets: npt.NDArray[np.int64]) -> TimeProfile | None:
    """The profile in time, None if the times are not real.

    Args:
        version: whose rows are sorted by user and time.
        offsets: where each user's rows start, `users + 1`.
    """
    if version.manifest.time != "real":
        return None
    statistics = version.manifest.statistics
    first, last = statistics.first_time, statistics.last_time
    unit: Unit = next((unit for unit, days in _LENGTHS.items() if last - first <= _MOST * days * _DAY), "century")
    gaps = np.diff(version.timestamp)
    within = np.ones(len(gaps), bool)
    within[offsets[1:-1] - 1] = False
    tied = within & (gaps == 0)
    return TimeProfile(
        first=_iso(first),
        last=_iso(last),
        unit=unit,
        periods=_periods(version.timestamp, first, last, unit),
        gaps=quantiles(gaps[within]) if within.any() else None,
        tied_interactions=float((np.append(tied, False) | np.append(False, tied)).mean()),
        tied_users=float((np.add.reduceat(np.append(tied, False), offsets[:-1], dtype=np.int64) > 0).mean()),
        tied_last=_tied_last(tied, offsets),
    )


def _tied_last(tied: npt.NDArray[np.bool_], offsets: npt.NDArray[np.int64]) -> float:
    ends = offsets[1:][np.diff(offsets) >= 2]
    return float(tied[ends - 2].sum() / (len(offsets) - 1))


def _periods(times: npt.NDArray[np.int64], first: int, last: int, unit: Unit) -> list[Period]:
    """Times are counted by hour or day in one pass; what is longer is put together from days."""
    step = _HOUR if unit == "hour" else _DAY
    counts = np.bincount(times // step - first // step)
    bounds = _bounds(first, last, unit)
    edges = [int(bound.timestamp()) // step - first // step for bound in bounds]
    return [
        Period(start=bound.isoformat().replace("+00:00", "Z"), interactions=int(counts[max(start, 0) : end].sum()))
        for bound, (start, end) in zip(bounds, pairwise([*edges, len(counts)]), strict=True)
    ]


def _bounds(first: int, last: int, unit: Unit) -> list[datetime]:
    """The starts of all periods from that of ``first`` to that of ``last``."""
    start = datetime.fromtimestamp(first, UTC).replace(minute=0, second=0)
    if unit in _MONTHS:
        return _month_bounds(start, last, _MONTHS[unit])
    step = timedelta(hours=1) if unit == "hour" else timedelta(days=7 if unit == "week" else 1)
    if unit != "hour":
        start = start.replace(hour=0)
    if unit == "week":
        start -= timedelta(days=start.weekday())
    bounds = []
    while start.timestamp() <= last:
        bounds.append(start)
        start += step
    return bounds


def _month_bounds(start: datetime, last: int, months: int) -> list[datetime]:
    number = (start.year * 12 + start.month - 1) // months * months
    bounds = []
    while (bound := datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)).timestamp() <= last:
        bounds.append(bound)
        number += months
    return bounds


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
