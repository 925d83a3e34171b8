"""One run."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from darec_lab.asking import Items, ask_for_items
from darec_lab.errors import ClientError, EndedBadlyError, WaitedTooLongError
from darec_lab.frames import frame, read_parquet
from darec_lab.lists import UserLists
from darec_lab.progress import Told, shown
from darec_lab.record import Record
from darec_lab.transport import LONG_POLL, Json

if TYPE_CHECKING:
    import polars as pl

ENDED = ("succeeded", "failed", "cancelled", "lost")


class Run(Record):
    """A run: ``run["progress"]``, ``run["valid"]`` and all other values as the site's API page describes them."""

    path = "/runs"

    @property
    def test(self) -> dict[str, float]:
        """Test metrics, such as ndcg@10; empty until it has succeeded. ``run["protocol"]`` says what they compare with."""
        return dict(self.values["test"])

    @property
    def ended(self) -> bool:
        """Whether it had ended at the last answer."""
        return self.state in ENDED

    def wait(self, progress: bool | Told = False, timeout: float | None = None, check: bool = True) -> Self:
        """Until it has ended. The site answers each request when something changes, so that nobody asks again and again.

        Args:
            progress: True shows a bar on stderr; a function is called with done, of (1) and the phase.
            timeout: seconds; None waits for ever.
            check: raise EndedBadlyError where it has not succeeded.
        """
        until = None if timeout is None else time.monotonic() + timeout
        with shown(f"run {self.id}", progress) as told:
            if "stamp" not in self.values:
                self.refresh()
            while True:
                now = self["progress"] or {}
                told(1.0 if self.ended else float(now.get("fraction") or 0), 1.0, self._phase(now))
                if self.ended:
                    break
                left = LONG_POLL if until is None else min(LONG_POLL, until - time.monotonic())
                if left <= 0:
                    raise WaitedTooLongError(f"Run {self.id} is still {self.state} after {timeout:.0f} s.", "It goes on.")
                self.values = self._transport.get(self.address, wait=round(left, 2) or 0.01, seen=self["stamp"])
        if check and self.state != "succeeded":
            raise EndedBadlyError(f"Run {self.id}", self.state, str(self["error"]), str(self["hint"]))
        return self

    def cancel(self) -> Self:
        """Ask it to stop: at once while it is queued, else at its next checkpoint."""
        self.values = self._transport.post(f"{self.address}/cancel")
        return self

    def resume(self) -> Self:
        """Queue one that was cancelled, failed or lost again: it goes on at its last checkpoint."""
        self.values = self._transport.post(f"{self.address}/resume")
        return self

    def extend(self, epochs: int | None = None, minutes: float | None = None, patience: int | None = None) -> "Run":
        """A new run that goes on where this one ended, with larger limits; those left out stay."""
        limits = {"epochs": epochs, "minutes": minutes, "patience": patience}
        body = {name: value for name, value in limits.items() if value is not None}
        return Run(self._transport, self._transport.post(f"{self.address}/extend", body, creates=True))

    def clone(self, settings: Json | None = None, version: int | None = None, acknowledge_leakage: bool = False) -> "Run":
        """Launch a run with this one's settings, and ``settings`` on top."""
        body = {"settings": settings or {}, "version": version, "acknowledge_leakage": acknowledge_leakage}
        return Run(self._transport, self._transport.post(f"{self.address}/clone", body, creates=True))

    def mark(self, **marks: Any) -> Self:
        """Change tags, notes, starred or archived."""
        self.values = dict(self._transport.send("PATCH", self.address, body=marks).json())
        return self

    def log(self, text: str = "", level: str = "all") -> Iterator[Json]:
        """Lines of the log so far, the first one first; each has id, type, created_at and text."""
        return self._after("log", text=text or None, level=level)

    def events(self, type: str = "") -> Iterator[Json]:
        """What it has reported so far: log, warning, metric, checkpoint and result, or one ``type`` of them."""
        return self._after("events", type=type or None)

    def curves(self) -> "pl.DataFrame":
        """The learning curves: series (valid or loss), step (optimiser steps), epoch, value. What valid is: NDCG@10."""
        found = self._transport.get(f"{self.address}/metrics")
        rows = [{"series": name, **point} for name in ("valid", "loss") for point in found[name]]
        return frame(rows, {"series": str, "step": int, "epoch": int, "value": float})

    def ranks(self, split: str = "test") -> "pl.DataFrame":
        """For each user the rank of the held-out item, counted from 0, of ``test`` or ``valid``."""
        answer = self._transport.send("GET", f"{self.address}/ranks", parameters={"split": split})
        return read_parquet(answer.content)

    def architecture(self) -> list[Json]:
        """What each layer of the backbone got, the lowest first: layer, kind, target, rank, parameters."""
        return list(self._transport.get(f"{self.address}/architecture"))

    def samples(self) -> list[Json]:
        """What it recommends to some users of the test split."""
        return list(self._transport.get(f"{self.address}/samples"))

    def files(self) -> list[Json]:
        """Its files: name, size in bytes, about."""
        return list(self._transport.get(f"{self.address}/files"))

    def download(self, name: str, to: str | Path) -> Path:
        """Write one of its files to ``to``: a path, or a folder, beneath which it keeps its name."""
        target = Path(to)
        parts = PurePosixPath(name).parts
        if target.is_dir():
            # Names come from the site: none may lead out of the folder.
            if not parts or ".." in parts or name.startswith("/") or "\\" in name or ":" in name:
                raise ClientError(f"{name!r} would be written outside {target}.", "Name a file to write to.")
            target = target.joinpath(*parts)
        return self._transport.save(f"{self.address}/files/{quote(name)}", target)

    def recommend(self, history: Sequence[str], k: int = 10, timeout: float = 120) -> Items:
        """What it recommends after a history of item ids, oldest first: id, title and score, best first."""
        return ask_for_items(self._transport, f"{self.address}/recommend", history, k, timeout, wait=10)

    def make_lists(self, k: int = 20, format: str = "parquet", seen: str = "protocol") -> UserLists:
        """Have the ``k`` best items for every user of the version written to one file; ``wait`` and ``download`` follow.

        Args:
            format: parquet, csv (for people: titles, no formulas), csv-raw or jsonl.
            seen: items that a user has already: protocol (as the run was evaluated), remove or keep.
        """
        body = {"k": k, "format": format, "seen": seen}
        return UserLists(self._transport, self._transport.post(f"{self.address}/everyone", body, creates=True))

    def lists(self) -> list[UserLists]:
        """The files with lists for everybody that were made of it, newest first."""
        return [UserLists(self._transport, values) for values in self._transport.get(f"{self.address}/everyone")]

    def refit(self) -> "Run":
        """A run that trains the choices of this one, its epochs too, on all interactions; it has no metrics of its own."""
        return Run(self._transport, self._transport.post(f"{self.address}/refit", creates=True))

    def promote(self, note: str = "") -> Json:
        """Make it its dataset's current model, which ``client.datasets.recommend`` asks. The token needs the scope curate."""
        found: Json = self._transport.post(f"{self.address}/promote", {"note": note})
        return found

    def _phase(self, now: Json) -> str:
        return str(now.get("phase") or self.state) if self.state in ("running", "evaluating") else self.state

    def _after(self, name: str, **parameters: Any) -> Iterator[Json]:
        after = ""
        while True:
            page = self._transport.get(f"{self.address}/{name}", after=after or None, **parameters)
            yield from page["items"]
            after = page["next"]
            if not page["more"]:
                return
