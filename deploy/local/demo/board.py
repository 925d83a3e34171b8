"""Live progress of the demo's runs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from deploy.local.demo.runs import Sight
from webapp.experiments.models import Run

LINE_SECONDS = 15.0


class Board:
    """Live progress of several runs: bars on a terminal, a line now and then elsewhere."""

    def __init__(self, target: Console) -> None:
        self.console = target
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[words]}"),
            console=target,
        )
        self.bars: dict[int, TaskID] = {}
        self._told: dict[int, tuple[str, str]] = {}
        self._told_at: dict[int, float] = {}

    def show(self, sights: list[Sight]) -> None:
        """Bring the board up to date."""
        for sight in sights:
            if self.console.is_terminal:
                self._move(sight)
            else:
                self._tell(sight)

    def _move(self, sight: Sight) -> None:
        if sight.run.pk not in self.bars:
            self.bars[sight.run.pk] = self.progress.add_task(_name(sight.run), total=1.0, words="")
        self.progress.update(self.bars[sight.run.pk], completed=sight.fraction, words=_words(sight))

    def _tell(self, sight: Sight) -> None:
        key, now = sight.run.pk, time.monotonic()
        news = (sight.state, sight.phase)
        working = sight.fraction > 0 and sight.state not in ("succeeded", "queued")
        if self._told.get(key) != news or (working and now > self._told_at[key] + LINE_SECONDS):
            self._told[key], self._told_at[key] = news, now
            self.console.print(f"{_name(sight.run)}  {100 * sight.fraction:3.0f} %  {_words(sight)}", markup=False)


@contextmanager
def live_board(target: Console) -> Iterator[Board]:
    """A live board for the time of the ``with`` statement."""
    shown = Board(target)
    if not target.is_terminal:
        yield shown
        return
    with shown.progress:
        yield shown


def _name(run: Run) -> str:
    return f"{run!s:<8} {run.preset:<10}"


def _words(sight: Sight) -> str:
    parts = [sight.state]
    if sight.phase and sight.state not in ("succeeded", "queued"):
        parts.append(sight.phase)
    if sight.eta_seconds is not None and sight.state == "running":
        parts.append(f"ETA {int(sight.eta_seconds) // 60}:{int(sight.eta_seconds) % 60:02d}")
    if sight.valid_ndcg is not None:
        parts.append(f"valid NDCG@10 {sight.valid_ndcg:.4f}")
    return " · ".join(parts)
