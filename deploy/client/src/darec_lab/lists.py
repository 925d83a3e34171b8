"""Lists of recommendations for every user, in one file."""

import time
from pathlib import Path
from typing import Self

from darec_lab.errors import EndedBadlyError, WaitedTooLongError
from darec_lab.progress import Told, shown
from darec_lab.record import Record
from darec_lab.transport import LONG_POLL

_ENDED = ("ready", "failed", "cancelled")


class UserLists(Record):
    """A file with the best items for every user of a run's version. The site sweeps it after a week."""

    @property
    def address(self) -> str:
        """Beneath /api/v1."""
        return str(self["url"]).removeprefix("/api/v1")

    def wait(self, progress: bool | Told = False, timeout: float | None = None) -> Self:
        """Until the file is there; as ``Run.wait``. Raises EndedBadlyError where it failed or was cancelled."""
        until = None if timeout is None else time.monotonic() + timeout
        with shown(f"lists {self.id}", progress) as told:
            while True:
                done = self["progress"]
                told(float(done.get("done", 0)), float(done.get("total", 1)), self.state)
                if self.state in _ENDED:
                    break
                left = LONG_POLL if until is None else min(LONG_POLL, until - time.monotonic())
                if left <= 0:
                    raise WaitedTooLongError(f"{self['name']} is still {self.state} after {timeout:.0f} s.", "It goes on.")
                self.values = self._transport.get(self.address, wait=round(left, 2) or 0.01, seen=self["stamp"])
        if self.state != "ready":
            raise EndedBadlyError(str(self["name"]), self.state, str(self["error"]), str(self["hint"]))
        return self

    def cancel(self) -> Self:
        """End it before it is ready: nothing of the file is kept."""
        self.values = self._transport.post(f"{self.address}/cancel")
        return self

    def download(self, to: str | Path) -> Path:
        """Write the file to ``to``: a path, or a folder, beneath which it keeps its name."""
        target = Path(to)
        name = f"run-{int(self['run'])}-top-{int(self['k'])}.{'csv' if 'csv' in self['format'] else self['format']}"
        return self._transport.save(f"{self.address}/file", target / Path(name).name if target.is_dir() else target)
