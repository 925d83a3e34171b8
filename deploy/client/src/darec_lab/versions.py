"""Datasets and their versions."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from darec_lab.asking import Items, ask_for_items
from darec_lab.curation import Curation
from darec_lab.errors import EndedBadlyError, WaitedTooLongError
from darec_lab.progress import Told, shown
from darec_lab.record import Record
from darec_lab.transport import Json, Transport

_LONGEST_PAUSE = 3.0


class Version(Record):
    """A dataset version: what runs learn from."""

    path = "/versions"

    def wait(self, progress: bool | Told = False, timeout: float | None = None) -> Self:
        """Until a worker has read it.

        Args:
            progress: True shows a bar on stderr; a function is called with done, of, word.
            timeout: seconds; None waits for ever.

        Raises EndedBadlyError where it cannot be read, and WaitedTooLongError.
        """
        with shown(f"version {self.id}", progress) as told:
            for values in _polled(self._transport, self.address, timeout, _has_ended):
                self.values = values
                step = values["progress"] or {}
                told(float(step.get("done") or 0), float(step.get("of") or 1), str(step.get("step") or self.state))
            if self.state == "ready":
                told(1, 1, "ready")
        if self.state != "ready":
            raise EndedBadlyError(f"Version {self.id}", self.state, str(self["error"]), str(self["hint"]))
        return self

    def profile(self, timeout: float | None = 600) -> Json:
        """Distributions of lengths, popularity, times and texts."""
        return self._made("profile", timeout)

    def leakage(self, timeout: float | None = 600) -> Json:
        """The leakage report of leave-one-out."""
        return self._made("leakage", timeout)

    def difference(self, other: int, timeout: float | None = 600) -> Json:
        """What differs from another version of the dataset."""
        return self._made(f"difference/{other}", timeout)

    def filter(self, **filters: Any) -> "Version":
        """A new version made from this one, e.g. ``core=5``."""
        body = {"filters": filters}
        return Version(self._transport, self._transport.post(f"{self.address}/filter", body, creates=True))

    def download(self, to: str | Path, format: str = "parquet", timeout: float | None = 600) -> Path:
        """A zip archive as parquet, csv, csv-raw or recbole."""
        path = f"{self.address}/download/{format}"

        def look() -> Json:
            with self._transport.stream(path) as pieces:
                head = next(pieces, b"")
                # An archive begins to come where it is ready; it is fetched in full afterwards.
                return {"state": "ready"} if head[:2] == b"PK" else json.loads(head + b"".join(pieces))

        *_, values = _polled(self._transport, path, timeout, _is_made, look)
        if values["state"] == "failed":
            raise EndedBadlyError(f"The archive of version {self.id}", "failed", values["error"], values["hint"])
        return self._transport.save(path, Path(to))

    @property
    def curation(self) -> Curation:
        """Editing its items; needs the scope curate."""
        return Curation(self._transport, self.id)

    def review(self, review: str, reason: str = "") -> Self:
        """Set what people think of it: submitted, approved, rejected (with a reason), archived, or empty for none."""
        self.values = self._transport.post(f"{self.address}/review", {"review": review, "reason": reason})
        return self

    def delete(self) -> None:
        """Remove its files for good. The token needs the scope curate."""
        self._transport.send("DELETE", self.address)

    def _made(self, name: str, timeout: float | None) -> Json:
        *_, values = _polled(self._transport, f"{self.address}/{name}", timeout, _is_made)
        if values["state"] == "failed":
            raise EndedBadlyError(f"The {name} of version {self.id}", "failed", values["error"], values["hint"])
        result: Json = values["result"]
        return result


class Versions:
    """Versions by id."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, version: int) -> Version:
        """One version."""
        return Version(self._transport, self._transport.get(f"/versions/{version}"))


class Datasets:
    """The datasets of your projects."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, project: int | None = None) -> Iterator[Json]:
        """Newest first."""
        return self._transport.pages("/datasets", project=project)

    def get(self, dataset: int) -> Json:
        """One dataset with its card."""
        found: Json = self._transport.get(f"/datasets/{dataset}")
        return found

    def versions(self, dataset: int) -> Iterator[Version]:
        """Its versions, newest first."""
        for values in self._transport.pages(f"/datasets/{dataset}/versions"):
            yield Version(self._transport, values)

    def edit_card(self, dataset: int, **texts: str) -> Json:
        """Change source, licence, purpose, contact or known_faults of its card. The token needs the scope curate."""
        changed: Json = self._transport.send("PATCH", f"/datasets/{dataset}/card", body=dict(texts)).json()
        return changed

    def reviews(self, project: int | None = None) -> "Iterator[Version]":
        """Versions that wait for a review, the one that waits longest first, where you are a curator."""
        for values in self._transport.pages("/reviews", project=project):
            yield Version(self._transport, values)

    def model(self, dataset: int) -> Json:
        """The model in use."""
        found: Json = self._transport.get(f"/datasets/{dataset}/model")
        return found

    def return_model(self, dataset: int) -> Json:
        """Make the model before the one in use current again. The token needs the scope curate."""
        found: Json = self._transport.post(f"/datasets/{dataset}/model/return", creates=True)
        return found

    def refresh_model(self, dataset: int, acknowledge_leakage: bool = False) -> Json:
        """Train the settings of the model in use on the newest version; ``client.runs.get(found["run"]).wait()`` follows.

        Nothing is promoted by itself: ``found["candidate"]`` is the run to look at and promote.
        """
        body = {"acknowledge_leakage": acknowledge_leakage}
        found: Json = self._transport.post(f"/datasets/{dataset}/model/refresh", body, creates=True)
        return found

    def model_refresh(self, dataset: int) -> Json:
        """How far what is to replace the model in use is: done, active, candidate, and where it failed error and hint."""
        found: Json = self._transport.get(f"/datasets/{dataset}/model/refresh")
        return found

    def recommend(self, dataset: int, history: Sequence[str], k: int = 10, timeout: float = 120) -> Items:
        """What the model in use recommends after a history of item ids, oldest first; best first."""
        return ask_for_items(self._transport, f"/datasets/{dataset}/recommend", history, k, timeout, name="recommended")


def _has_ended(values: Json) -> bool:
    return values["state"] in ("ready", "failed", "deleted")


def _is_made(values: Json) -> bool:
    return values["state"] in ("ready", "failed")


def _polled(
    transport: Transport, path: str, timeout: float | None, over: Callable[[Json], bool], ask: Callable[[], Json] | None = None
) -> Iterator[Json]:
    """The answers to a GET until one is over; the pauses between grow to 3 s, for these addresses have no long poll."""
    until = None if timeout is None else time.monotonic() + timeout
    pause = 0.25
    while True:
        values = ask() if ask else transport.get(path)
        yield values
        if over(values):
            return
        if until is not None and time.monotonic() > until:
            raise WaitedTooLongError(f"{path} was not ready in {timeout:.0f} s.", "Is a worker running? Ask again later.")
        transport.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
