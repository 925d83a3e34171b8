"""What it costs to make a version of a large log, beside polars' bare CSV-to-Parquet of the same file.

Each measurement has a process of its own, so that its peak of memory is its own. Polars takes all cores on both sides.
"""

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

from engine.data.filter_preview import preview_filters
from engine.data.prepare import prepare
from engine.data.profile import profile_version
from engine.data.read import read_raw
from engine.data.split import leave_one_out
from engine.errors import UserError
from engine.memory import process_peak
from engine.spec import FilterSpec

Work = Callable[[], object]
FEWEST = 1000
_BLOCK = 1_000_000
_FIRST_TIME, _FIVE_YEARS = 1_500_000_000, 5 * 31_557_600


@dataclass(frozen=True)
class Cost:
    """What one measurement took.

    Attributes:
        seconds: of the clock.
        cpu_seconds: processor time of all threads: the better judge on a busy machine.
        peak_mb: the most memory that its process had at any time, in units of 2^20 bytes.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s ({self.cpu_seconds:.1f} s of processor time), {self.peak_mb:,.0f} MB at most"


def ingest_bench(rows: int, say: Callable[[str], None]) -> dict[str, float]:
    """Generate a log of ``rows`` interactions, then measure what is done with it.

    Returns:
        ``seconds``, ``cpu_seconds`` and ``peak_mb`` of reading and validating the log, writing the version and profiling it;
        ``ratio`` and ``cpu_ratio`` to polars' bare conversion, which has ``bare_seconds``, ``bare_cpu_seconds`` and
        ``bare_peak_mb``; ``core_split_seconds`` from rows in memory to the version of their 5-core and its leave-one-out split;
        ``preview_seconds`` of the counts before and after filters of rating, time and 5-core, the reading of the version
        included; the same two in processor time; ``rows`` and ``csv_mb``.

    Raises:
        UserError: ``rows`` are too few to be measured.
    """
    if rows < FEWEST:
        raise UserError(f"--rows {rows}: must be {FEWEST:,} or more.")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        log, version = folder / "interactions.csv", folder / "version"
        generate_log(log, rows)
        csv_mb = log.stat().st_size / 2**20
        ours = measured(partial(_ingestion, log, version))
        say(f"{rows:,} rows, {csv_mb:.0f} MB of CSV: validated, written and profiled in {ours}")
        bare = measured(partial(_conversion, log, folder / "bare.parquet"))
        say(f"polars' bare CSV-to-Parquet: {bare}")
        split = measured(partial(_core_and_split, log, folder / "core"))
        say(f"5-core and leave-one-out of the rows: {split}")
        preview = measured(partial(_preview, version))
        say(f"preview of filters on the version: {preview}")
    figures = {
        "seconds": ours.seconds,
        "peak_mb": ours.peak_mb,
        "ratio": ours.seconds / bare.seconds,
        "cpu_seconds": ours.cpu_seconds,
        "cpu_ratio": ours.cpu_seconds / bare.cpu_seconds,
        "bare_seconds": bare.seconds,
        "bare_cpu_seconds": bare.cpu_seconds,
        "bare_peak_mb": bare.peak_mb,
        "core_split_seconds": split.seconds,
        "core_split_cpu_seconds": split.cpu_seconds,
        "preview_seconds": preview.seconds,
        "preview_cpu_seconds": preview.cpu_seconds,
        "csv_mb": csv_mb,
    }
    return {"rows": rows, **{name: round(value, 2) for name, value in figures.items()}}


def generate_log(path: Path, rows: int, seed: int = 0) -> None:
    """Write a CSV log of ``rows`` interactions, about 28 bytes each; as in real logs few users and items have most of them."""
    generator = np.random.default_rng(seed)
    users, items = max(rows // 60, 20), max(rows // 300, 20)
    activity = np.cumsum(generator.lognormal(0, 1.2, users))
    appeal = np.cumsum(1 / (np.arange(items) + 10))
    numbers = generator.permutation(items)
    with path.open("wb") as out:
        for start in range(0, rows, _BLOCK):
            length = min(_BLOCK, rows - start)
            columns = {
                "user_id": np.searchsorted(activity / activity[-1], generator.random(length)) + 100_000,
                "item_id": numbers[np.searchsorted(appeal / appeal[-1], generator.random(length))],
                "timestamp": _FIRST_TIME + generator.integers(0, _FIVE_YEARS, length),
                "rating": generator.integers(1, 11, length) / 2,
            }
            pl.DataFrame(columns).write_csv(out, include_header=start == 0)


def measured(make: Callable[[], Work]) -> Cost:
    """What the work that ``make`` returns costs in a fresh process; what ``make`` itself does counts for the peak alone."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_cost, make).result()


def _cost(make: Callable[[], Work]) -> Cost:
    work = make()
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - clock, time.process_time() - processor, process_peak() / 2**20)


def _ingestion(log: Path, version: Path) -> Work:
    return lambda: profile_version(prepare(read_raw(log), FilterSpec(core=0), version))


def _conversion(log: Path, parquet: Path) -> Work:
    return lambda: pl.read_csv(log).write_parquet(parquet)


def _core_and_split(log: Path, folder: Path) -> Work:
    raw = read_raw(log)
    return lambda: leave_one_out(prepare(raw, FilterSpec(core=5), folder))


def _preview(version: Path) -> Work:
    filters = FilterSpec(core=5, minimum_rating=1.5, after="2018-01-01")
    return lambda: preview_filters(version, filters)
