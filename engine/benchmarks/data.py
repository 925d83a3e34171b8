"""A generated catalogue whose histories are as long as a window needs."""

from pathlib import Path

import polars as pl

from engine.data.generated import generate
from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.version import Version
from engine.spec import FilterSpec

_SHORTEST = 15  # of the generated users


def long_histories(folder: Path, users: int, items: int, length: int) -> Version:
    """A version below ``folder`` of ``users`` users with ``length`` interactions or more: generated users, joined in a row."""
    joined = -(-length // _SHORTEST)
    generate(folder / "single", users=users * joined, items=items)
    log = pl.read_csv(folder / "single" / "interactions.csv", infer_schema=False)
    number = pl.col("user_id").rank("dense").cast(pl.Int64) - 1
    log = log.with_columns((number // joined).cast(pl.String).alias("user_id"), pl.int_range(pl.len()).alias("timestamp"))
    (folder / "raw").mkdir()
    log.write_csv(folder / "raw" / "interactions.csv")
    (folder / "raw" / "items.csv").write_bytes((folder / "single" / "items.csv").read_bytes())
    return prepare(read_raw(folder / "raw"), FilterSpec(core=0), folder / "version")
