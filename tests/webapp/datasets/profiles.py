"""A real profile of a small made version, for the pages that show one."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from engine.data.prepare import prepare
from engine.data.profile import profile_version
from engine.data.raw import RawData, Time
from engine.spec import FilterSpec

_DAY = 86_400


@cache
def made_profile(title: str = "Soap", time: Time = "real", titles: bool = True) -> dict[str, Any]:
    """The profile of 30 users who come back to some of 12 items over two months; all items have this title."""
    rows = [(f"u{user:02}", f"i{(user * step) % 12:02}", step * _DAY * 2) for user in range(30) for step in range(1, 3 + user)]
    schema = {"user": pl.String, "item": pl.String, "timestamp": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(weight=pl.lit(None, pl.Float32))
    ids = frame["item"].unique().sort()
    categories = pl.lit([title], dtype=pl.List(pl.String))
    items = pl.select(id=ids, title=pl.lit(title) if titles else ids, categories=categories, description=pl.lit(""))
    with tempfile.TemporaryDirectory() as folder:
        version = prepare(RawData(frame, items, {"made.csv": "0" * 64}, time), FilterSpec(core=0), Path(folder) / "version")
    return profile_version(version).model_dump(mode="json")
