"""One table, however it is written down, is one version: order of columns, delimiter, quotes, encoding, line ends, times."""

import csv
import gzip
import io
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.spec import FilterSpec

COLUMNS = ("user_id", "item_id", "timestamp", "rating")
IDS = st.text('ab01éß ,;\t"\n', min_size=1, max_size=4)
ROWS = st.lists(st.tuples(IDS, IDS, st.integers(10**9, 2 * 10**9), st.sampled_from([1, 2.5, 4, 5])), max_size=8)
MORE = [("u1", "i1", 1_500_000_000, 3), ("u2", "i1", 1_500_000_001, 4)]
"""So that there are two users."""


def _iso(zone: timezone, spelling: Callable[[datetime], str]) -> Callable[[int], str]:
    return lambda seconds: spelling(datetime.fromtimestamp(seconds, zone))


TIMES: dict[str, Callable[[int], str]] = {
    "seconds": str,
    "seconds with a point": lambda seconds: f"{seconds}.0",
    "milliseconds": lambda seconds: str(seconds * 1000),
    "ISO, Z": _iso(UTC, lambda moment: moment.isoformat().replace("+00:00", "Z")),
    "ISO, another zone": _iso(timezone(timedelta(hours=5, minutes=30)), datetime.isoformat),
    "ISO, no zone": _iso(UTC, lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S")),
    "ISO, milliseconds": _iso(UTC, lambda moment: moment.isoformat(timespec="milliseconds")),
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "latin-1")


def written(
    rows: Sequence[tuple[str, str, int, float]],
    columns: Sequence[str] = COLUMNS,
    delimiter: str = ",",
    quoting: int = csv.QUOTE_MINIMAL,
    line_end: str = "\n",
    times: str = "seconds",
) -> str:
    if line_end == "\r":
        quoting = csv.QUOTE_ALL  # Python leaves a lone LF bare there, which then ends the line
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=line_end)  # type: ignore[arg-type]
    writer.writerow(columns)
    for user, item, seconds, rating in rows:
        cells = {"user_id": user, "item_id": item, "timestamp": TIMES[times](seconds), "rating": f"{rating:g}"}
        writer.writerow([cells[name] for name in columns])
    return stream.getvalue()


def version_hash(content: bytes) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(content)
        return prepare(read_raw(path), FilterSpec(core=0), Path(folder) / "version").hash


@given(
    rows=ROWS,
    columns=st.permutations(COLUMNS),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    times=st.sampled_from(list(TIMES)),
    encoding=st.sampled_from(ENCODINGS),
    packed=st.booleans(),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_one_table_is_one_version(
    rows: list[tuple[str, str, int, float]],
    columns: list[str],
    delimiter: str,
    quoting: int,
    line_end: str,
    times: str,
    encoding: str,
    packed: bool,
) -> None:
    rows = [*rows, *MORE]
    content = written(rows, columns, delimiter, quoting, line_end, times).encode(encoding)
    assert version_hash(gzip.compress(content) if packed else content) == version_hash(written(rows).encode())


def test_another_table_is_another_version() -> None:
    plain = version_hash(written(MORE).encode())
    assert version_hash(written([*MORE[:1], ("u2", "i1", 1_500_000_002, 4)]).encode()) != plain
    assert version_hash(written([*MORE[:1], ("u2", "i1", 1_500_000_001, 5)]).encode()) != plain
