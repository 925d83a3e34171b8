"""The best items for every user of a run's data, written to a file batch by batch: memory is bounded by the batch."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, get_args

import polars as pl

from engine.data.spreadsheet import without_formulas
from engine.errors import UserError

if TYPE_CHECKING:
    from engine.recommend import Recommender

ListFormat = Literal["parquet", "csv", "csv-raw", "jsonl"]
"""``csv`` is for people: it has titles, and no cell begins as a formula does. The others hold ids as they are."""
SeenRule = Literal["protocol", "remove", "keep"]
FORMATS: tuple[ListFormat, ...] = get_args(ListFormat)
CELLS = 1 << 26
"""Scores that are held at once at most, whatever the batch: 256 MB."""
_ENDINGS: dict[str, ListFormat] = {".parquet": "parquet", ".csv": "csv", ".jsonl": "jsonl"}


@dataclass(frozen=True)
class Everyone:
    """What was written.

    Attributes:
        users: that have a list; rows: recommendations in all; bytes: size of the file.
        seen: remove or keep, the rule that was applied to the items of a user's history.
    """

    users: int
    rows: int
    bytes: int
    seen: str


def check_target(out: Path | None, form: str | None) -> tuple[Path, ListFormat]:
    """The file to write and its format, by its name where ``form`` is None; raises UserError if that will not do."""
    if out is None:
        raise UserError("--out is missing.", "Name the file to write, e.g. --out lists.parquet.")
    if out.exists():
        raise UserError(f"{out} exists already.", "Choose another name, or remove it.")
    if not out.parent.is_dir():
        raise UserError(f"{out.parent} is no folder.", "Make it first.")
    known = next((name for name in FORMATS if name == form), None) or _ENDINGS.get(out.suffix.lower())
    if known is None:
        raise UserError(f"{out}: its name does not tell the format.", "End it in .parquet, .csv or .jsonl, or set --format.")
    return out, known


def recommend_everyone(
    recommender: "Recommender",
    out: Path,
    form: ListFormat,
    *,
    k: int,
    seen: SeenRule = "protocol",
    batch: int = 256,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> Everyone:
    """Write the ``k`` best items after the whole history of each user; a row each: user, item, rank from 1, score.

    Users stand in the order of the version. A list is shorter where fewer items are left. The file is whole or not there.

    Args:
        seen: remove or keep items of the history; protocol: as the run was evaluated.
        batch: users scored at once, fewer for a huge catalogue.
        on_batch: called with users done and users in all; may raise to stop.
    """
    remove = recommender.remove_seen if seen == "protocol" else seen == "remove"
    partial = out.with_name(f".{out.name}.writing")
    users = rows = 0
    try:
        with _Writer(partial, form) as writer:
            for count, frame in _frames(recommender, k, remove, batch, on_batch, titles=form == "csv"):
                writer.write(frame)
                users, rows = users + count, rows + frame.height
        partial.rename(out)
    finally:
        partial.unlink(missing_ok=True)
    return Everyone(users, rows, out.stat().st_size, "remove" if remove else "keep")


def _frames(
    recommender: "Recommender", k: int, remove: bool, batch: int, on_batch: Callable[[int, int], None], *, titles: bool
) -> Iterator[tuple[int, pl.DataFrame]]:
    """The lists of one batch of users after the other, and how many users have one."""
    version = recommender.version
    histories = version.sequences()
    known = [user for user, length in enumerate(histories.lengths) if length]
    items = version.counts.items
    batch = max(1, min(batch, CELLS // max(items, 1)))
    ids, names = pl.Series(version.item_ids, dtype=pl.String), pl.Series(version.titles, dtype=pl.String)
    for begin in range(0, max(len(known), 1), batch):
        chosen = known[begin : begin + batch]
        lists = recommender.best_for(chosen, [histories[user] for user in chosen], min(k, items), remove=remove)
        frame = pl.DataFrame(
            {
                "user": pl.Series([version.users[chosen[row]] for row in lists.rows], dtype=pl.String),
                "item": ids.gather(lists.items),
                "rank": pl.Series(lists.places + 1, dtype=pl.Int32),
                "score": pl.Series(lists.scores, dtype=pl.Float32),
            }
        )
        if titles:
            frame = frame.with_columns(title=names.gather(lists.items))
        yield len(set(lists.rows.tolist())), frame
        on_batch(min(begin + batch, len(known)), len(known))


class _Writer:
    """Appends frames to a file of one format; all frames have the same columns."""

    def __init__(self, path: Path, form: ListFormat) -> None:
        self.path, self.form = path, form
        self._stack = ExitStack()
        self._file: IO[bytes] | None = None
        self._parquet: Any = None

    def __enter__(self) -> "_Writer":
        self._file = self._stack.enter_context(self.path.open("wb"))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def write(self, frame: pl.DataFrame) -> None:
        assert self._file is not None  # noqa: S101 - only inside of with
        if self.form == "parquet":
            self._row_group(frame)
        elif self.form == "jsonl":
            frame.write_ndjson(self._file)
        else:
            frame = _for_people(frame) if self.form == "csv" else frame
            frame.write_csv(self._file, include_header=self._file.tell() == 0)

    def _row_group(self, frame: pl.DataFrame) -> None:
        import pyarrow.parquet as pq

        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._parquet is None:
            self._parquet = self._stack.enter_context(pq.ParquetWriter(self._file, table.schema, compression="zstd"))
        self._parquet.write_table(table)


def _for_people(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(without_formulas(pl.col(name)) for name in ("user", "item", "title"))
