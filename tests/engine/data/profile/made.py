"""Small made versions for the tests of the profile."""

from pathlib import Path

import polars as pl
from hypothesis import strategies as st

from engine.data.prepare import prepare
from engine.data.raw import RawData, Time
from engine.data.version import Version
from engine.spec import FilterSpec
from tests.engine.data.builders import Row, raw_data

ROWS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("vwxyz"), st.integers(0, 10**6)), min_size=2, max_size=30
).filter(lambda rows: len({user for user, _, _ in rows}) > 1)
"""Interactions of two to four users."""


def made(rows: list[Row], folder: Path, time: Time = "real", unused: int = 0) -> Version:
    """A version of ``rows`` and of as many items without interactions as ``unused`` says."""
    raw = raw_data(rows, time)
    ids = [f"unused{number}" for number in range(unused)]
    items = pl.DataFrame({"id": ids, "title": ids}).with_columns(
        categories=pl.lit([], dtype=pl.List(pl.String)), description=pl.lit("")
    )
    return prepared(raw, pl.concat([raw.items, items]) if unused else raw.items, folder)


def prepared(raw: RawData, items: pl.DataFrame, folder: Path) -> Version:
    """The version of ``raw`` with other ``items``."""
    return prepare(RawData(raw.interactions, items, raw.sources, raw.time), FilterSpec(core=0), folder)
