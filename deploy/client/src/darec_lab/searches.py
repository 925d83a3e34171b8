"""Architecture searches."""

import time
from collections.abc import Iterator
from typing import Self

from darec_lab.errors import EndedBadlyError, WaitedTooLongError
from darec_lab.progress import Told, shown
from darec_lab.record import Record
from darec_lab.run import Run
from darec_lab.transport import LONG_POLL, Json, Transport

_ENDED = ("finished", "failed", "cancelled")


class Search(Record):
    """A search."""

    path = "/searches"

    def wait(self, progress: bool | Told = False, timeout: float | None = None, check: bool = True) -> Self:
        """Until it has ended, or waits for a person because it is paused; as ``Run.wait``."""
        until = None if timeout is None else time.monotonic() + timeout
        with shown(f"search {self.id}", progress) as told:
            if "stamp" not in self.values:
                self.refresh()
            while True:
                told(float(self["done"]), float(self["trials"]), self.state)
                if self.state in _ENDED or (self.state == "paused" and not self["running"]):
                    break
                left = LONG_POLL if until is None else min(LONG_POLL, until - time.monotonic())
                if left <= 0:
                    raise WaitedTooLongError(f"Search {self.id} is still {self.state} after {timeout:.0f} s.", "It goes on.")
                self.values = self._transport.get(self.address, wait=round(left, 2) or 0.01, seen=self["stamp"])
        if check and self.state != "finished":
            raise EndedBadlyError(f"Search {self.id}", self.state, str(self["message"]), str(self["hint"]))
        return self

    def trials(self) -> Iterator[Json]:
        """As they were launched, the first one first."""
        return self._transport.pages(f"{self.address}/trials")

    def pause(self) -> Self:
        """Start no new trials."""
        return self._do("pause")

    def resume(self) -> Self:
        """Go on with one that was paused or has failed."""
        return self._do("resume")

    def cancel(self) -> Self:
        """End it for good."""
        return self._do("cancel")

    def extend(self, trials: int) -> Self:
        """Add so many trials to the plan. Not sent again by itself where no answer comes: look first."""
        return self._do("extend", {"trials": trials})

    def launch_best(self) -> Run:
        """Train the winner in full, or the best so far."""
        return Run(self._transport, self._transport.post(f"{self.address}/launch-best", creates=True))

    def clone(
        self,
        settings: Json | None = None,
        *,
        version: int | None = None,
        at_once: int | None = None,
        acknowledge_leakage: bool = False,
    ) -> "Search":
        """A new search with this one's plan, and ``settings`` on top; None leaves the version, or how many trials at once."""
        body = {"settings": settings or {}, "version": version, "at_once": at_once, "acknowledge_leakage": acknowledge_leakage}
        return Search(self._transport, self._transport.post(f"{self.address}/clone", body, creates=True))

    def architecture(self) -> Json:
        """Of the winner, or of the best trial so far (``decided`` says which)."""
        found: Json = self._transport.get(f"{self.address}/architecture")
        return found

    def _do(self, what: str, body: Json | None = None) -> Self:
        self.values = self._transport.post(f"{self.address}/{what}", body)
        return self


class Searches:
    """The searches of your projects."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        version: int,
        preset: str,
        settings: Json | None = None,
        *,
        at_once: int = 2,
        acknowledge_leakage: bool = False,
    ) -> Search:
        """Launch a search of a preset of searches, such as search-nano, with ``settings`` on top."""
        body = {"version": version, "preset": preset, "settings": settings or {}}
        more = {"at_once": at_once, "acknowledge_leakage": acknowledge_leakage}
        return Search(self._transport, self._transport.post("/searches", {**body, **more}, creates=True))

    def get(self, search: int) -> Search:
        """One search."""
        return Search(self._transport, self._transport.get(f"/searches/{search}"))

    def list(self, *, project: int | None = None, state: str | None = None, version: int | None = None) -> Iterator[Search]:
        """Newest first."""
        for values in self._transport.pages("/searches", project=project, state=state, version=version):
            yield Search(self._transport, values)
