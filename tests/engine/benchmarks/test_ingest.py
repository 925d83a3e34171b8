import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl

from engine.benchmarks.ingest import generate_log, measured


def test_a_generated_log_is_uneven_and_the_same_each_time(tmp_path: Path) -> None:
    generate_log(tmp_path / "one.csv", 30_000)
    generate_log(tmp_path / "other.csv", 30_000)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()
    log = pl.read_csv(tmp_path / "one.csv")
    assert log.columns == ["user_id", "item_id", "timestamp", "rating"]
    assert log.height == 30_000
    for column in ("user_id", "item_id"):
        counts = log[column].value_counts()["count"]
        assert counts.max() > 3 * counts.mean()  # type: ignore[operator]


def test_a_measurement_sees_the_memory_of_its_work_and_not_that_of_its_caller() -> None:
    ballast = bytearray(os.urandom(1024) * 300_000)
    small, large = measured(partial(holding, 2**10)), measured(partial(holding, 2**28))
    assert large.peak_mb - small.peak_mb > 200
    assert small.peak_mb < len(ballast) / 2**20
    assert large.cpu_seconds > 0


def holding(size: int) -> Callable[[], object]:
    return lambda: b"x" * size
