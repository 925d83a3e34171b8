"""Small made data for the tests of engine.data."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from engine.data.catalogue import with_orphans
from engine.data.parts import PARTS
from engine.data.prepare import prepare
from engine.data.raw import RawData, Time
from engine.data.text import Text
from engine.data.version import Version
from engine.spec import FilterSpec

Row = tuple[str, str, int]


def text_of(content: str, name: str = "interactions.csv") -> Text:
    return Text(name, content.encode(), "0" * 64)


def raw_data(rows: Iterable[Row], time: Time = "real", parts: Sequence[str] | None = None) -> RawData:
    """Interactions (user, item, time) without ratings and without an items file, perhaps with a split of their own."""
    frame = pl.DataFrame(list(rows), schema={"user": pl.String, "item": pl.String, "timestamp": pl.Int64}, orient="row")
    frame = frame.with_columns(weight=pl.lit(None, pl.Float32))
    if parts is not None:
        frame = frame.with_columns(part=pl.Series([PARTS.index(part) for part in parts], dtype=pl.UInt8))
    items, _ = with_orphans(None, frame["item"])
    return RawData(frame, items, {"made.csv": "0" * 64}, time)


def version_of(
    rows: Iterable[Row], folder: Path, core: int = 0, time: Time = "real", parts: Sequence[str] | None = None
) -> Version:
    return prepare(raw_data(rows, time, parts), FilterSpec(core=core), folder)


def write_folder(folder: Path, interactions: str, items: str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "interactions.csv").write_text(interactions, encoding="utf-8", newline="")
    if items is not None:
        (folder / "items.csv").write_text(items, encoding="utf-8", newline="")
    return folder
