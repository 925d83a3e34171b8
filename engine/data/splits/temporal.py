"""``temporal``: two moments for all users, as it is in use: who learns today knows nothing of tomorrow."""

import datetime

import numpy as np

from engine.data.sequences import offsets_of
from engine.data.specs import SplitSpec, canonical_moment, is_share, moment_seconds
from engine.data.split import Split, require_users
from engine.data.splits.held_out import HeldOut, Rows, split_of
from engine.data.splits.registry import register_split
from engine.data.version import Version
from engine.errors import DataError

_HINT = "Move split.valid_from and split.test_from."


def temporal(version: Version, spec: SplitSpec) -> Split:
    """Nothing from ``spec.valid_from`` on is trained on; each user is asked once after each moment.

    A user's validation target is the first interaction from ``valid_from`` on, if it comes before ``test_from``; the test target
    is the first from ``test_from`` on. The history is everything before the target, so that of the test holds what came between
    the two moments. What a user does after a target is neither trained on nor asked for. A share stands for the time of the
    interaction at that place when all are put in order; those of the same time are after the moment with it.

    Raises:
        DataError: the times are no real ones, or a part has nobody.
    """
    users = require_users(version)
    if version.manifest.time != "real":
        raise DataError(
            "split.kind is temporal, but the data have no real times, only an order.",
            "Choose leave-one-out or user-ratio, or add timestamps.",
        )
    time, offsets = version.timestamp, offsets_of(version.user, users)
    valid_from, test_from = (_moment(version, name, getattr(spec, name)) for name in ("valid_from", "test_from"))
    if valid_from == test_from:
        raise DataError(
            f"split.valid_from ({spec.valid_from}) and split.test_from ({spec.test_from}) both begin with the interactions of "
            f"{_iso(valid_from)}; there are none between.",
            _HINT,
        )

    def first_from(moment: int) -> Rows:
        earlier = np.bincount(version.user[time < moment], minlength=users)
        rows = offsets[:-1] + earlier
        return np.where(rows < offsets[1:], rows, -1)

    valid, test = first_from(valid_from), first_from(test_from)
    valid = np.where(time[valid] < test_from, valid, -1)  # -1 reads the last row's time, and stays -1
    train, late = time < valid_from, time >= test_from
    held = HeldOut(train, {"valid": train, "test": np.ones(len(time), bool)}, {"valid": valid, "test": test}, late)
    return split_of(version, "temporal", held, _details(valid_from, test_from), f"{_HINT} {_span(version)}")


def _moment(version: Version, name: str, value: str) -> int:
    """The time of the first interaction that lies behind the cut, so that equal cuts are equal however they are written."""
    time = version.timestamp
    if is_share(value):
        place = min(round(float(value) * len(time)), len(time) - 1)
        return int(np.partition(time, place)[place])
    later = time[time >= moment_seconds(value)]
    if not len(later):
        raise DataError(f"split.{name} is {value}, but nothing happened from then on.", f"{_HINT} {_span(version)}")
    return int(later.min())


def _span(version: Version) -> str:
    about = version.manifest.statistics
    return f"The times go from {_iso(about.first_time)} to {_iso(about.last_time)}."


def _details(valid_from: int, test_from: int) -> str:
    valid, test = _iso(valid_from), _iso(test_from)
    if valid[:10] != test[:10]:
        valid, test = valid[:10], test[:10]
    return f"validation from {valid}, test from {test}"


def _iso(seconds: int) -> str:
    return canonical_moment(datetime.datetime.fromtimestamp(seconds, datetime.UTC))


register_split("temporal", temporal)
