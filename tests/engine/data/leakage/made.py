"""A version in which nothing is wrong, and ways to plant a leak in it."""

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from engine.data.leakage import Finding, LeakageReport, leakage_report
from engine.data.prepare import prepare
from engine.data.raw import Time
from engine.data.sequences import Sequences
from engine.data.split import Split, leave_one_out
from engine.data.version import Version
from engine.spec import FilterSpec
from tests.engine.data.builders import Row, raw_data

USERS, ITEMS, EACH = 60, 40, 10
TEST_AT = 10_000


def clean_rows(seed: int = 0) -> list[Row]:
    """Nobody has an item twice, everybody's first rows end before anybody's last two begin, and ids are drawn by lot."""
    draw = random.Random(seed)
    users = draw.sample(range(100, 999), USERS)
    items = draw.sample(range(100, 999), ITEMS)
    rows = []
    for user in users:
        times = [*sorted(draw.sample(range(1, TEST_AT), EACH - 2)), TEST_AT + 1, TEST_AT + 2]
        chosen = draw.sample(items, EACH)
        rows += [(f"u{user}", f"i{item}", time) for item, time in zip(chosen, times, strict=True)]
    return rows


def made(
    folder: Path,
    rows: Iterable[Row] | None = None,
    columns: dict[str, dict[str, str]] | None = None,
    time: Time = "real",
    core: int = 0,
) -> Version:
    """A version of ``rows``; ``columns`` gives further text columns, by item id."""
    raw = raw_data(clean_rows() if rows is None else rows, time)
    items = raw.items
    for name, cells in (columns or {}).items():
        items = items.with_columns(pl.Series(name, [cells.get(item, "") for item in items["id"]], pl.String))
    return prepare(replace(raw, items=items), FilterSpec(core=core), folder)


def report(version: Version, split: Split | None = None) -> LeakageReport:
    return leakage_report(version, split or leave_one_out(version))


def found(report: LeakageReport, check: str) -> Finding:
    findings = [finding for finding in report.findings if finding.check == check]
    assert len(findings) == 1, report.findings
    return findings[0]


def checks(report: LeakageReport) -> list[str]:
    return [finding.check for finding in report.findings]


def held_out(version: Version, users: int) -> Split:
    """The last item of the first ``users`` users is their test target, and no row of theirs is trained on."""
    split = leave_one_out(version)
    rows = version.user >= users
    offsets = np.concatenate([[0], np.cumsum(np.bincount(version.user[rows], minlength=len(version.users)))])
    test = split.test.copy()
    test[users:] = -1
    train = Sequences(offsets.astype(np.int64), version.item[rows])
    return replace(split, kind="user-ratio", train=train, test=test, valid=np.full_like(test, -1))
