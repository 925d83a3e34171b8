"""Curating a version: its items, edits that are collected in a draft, and the version that is made of them."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from darec_lab.errors import EndedBadlyError, WaitedTooLongError
from darec_lab.transport import Json, Transport

_LONGEST_PAUSE = 3.0


class Curation:
    """What curators do with one version. The token needs the scope curate, and its user the role curator."""

    def __init__(self, transport: Transport, version: int) -> None:
        self._transport, self.version, self._path = transport, version, f"/versions/{version}/curation"

    def begin(self, timeout: float | None = 600) -> Json:
        """Have a worker list the items, and wait for it; where they are listed, nothing is done. Before the first edit.

        Raises EndedBadlyError where they cannot be listed, and WaitedTooLongError after ``timeout`` seconds (None: never).
        """
        until = None if timeout is None else time.monotonic() + timeout
        found: Json = self._transport.post(self._path)
        pause = 0.25
        while found["state"] == "asked":
            if until is not None and time.monotonic() > until:
                raise WaitedTooLongError(
                    f"The items were not listed in {timeout:.0f} s.", "Is a worker running? Ask again later."
                )
            self._transport.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            found = self._transport.get(self._path)
        if found["state"] != "ready":
            raise EndedBadlyError(f"Listing the items of version {self.version}", found["state"], found["error"], found["hint"])
        return found

    def items(self, words: str | None = None, id: str | None = None) -> Iterator[Json]:
        """Items as the draft will make them, the most popular first; with ``words`` or the ``id`` only those that have them."""
        return self._transport.pages(f"{self._path}/items", q=words, id=id)

    def duplicates(self) -> Iterator[Json]:
        """Groups of items whose titles have the same letters and digits: ``key`` and ``items``."""
        return self._transport.pages(f"{self._path}/duplicates")

    def edits(self) -> Iterator[Json]:
        """What the draft holds, the first edit first."""
        return self._transport.pages(f"{self._path}/edits")

    def put(self, edits: Sequence[Json]) -> Json:
        """Put edits into the draft, all or none; each replaces one of the same kind and target.

        One is such as ``{"kind": "change", "target": "i7", "title": "Soap"}``, with ``merge`` an ``into``; ``exclude-item`` and
        ``exclude-user`` need the target alone.
        """
        answer: Json = self._transport.send("PUT", f"{self._path}/edits", body={"edits": list(edits)}).json()
        return answer

    def change(self, item: str, **texts: Any) -> Json:
        """New ``title``, ``categories`` (a list) or ``description`` of an item."""
        return self.put([{"kind": "change", "target": item, **texts}])

    def merge(self, items: Sequence[str], into: str) -> Json:
        """These items are the same as ``into``, which stays."""
        return self.put([{"kind": "merge", "target": item, "into": into} for item in items])

    def exclude(self, items: Sequence[str] = (), users: Sequence[str] = ()) -> Json:
        """Leave out items and users, with their interactions."""
        of_items = [{"kind": "exclude-item", "target": item} for item in items]
        return self.put([*of_items, *({"kind": "exclude-user", "target": user} for user in users)])

    def take_out(self, edit: int) -> Json:
        """Take an edit out of the draft."""
        answer: Json = self._transport.send("DELETE", f"{self._path}/edits/{edit}").json()
        return answer

    def read_list(self, text: str, take: bool = False) -> Json:
        """Try a list of edits as CSV: ``problems`` by line; with ``take`` it is in the draft where there are none."""
        answer: Json = self._transport.post(f"{self._path}/list", {"text": text, "take": take})
        return answer

    def make(self, core: int = 0) -> Json:
        """Have a worker make a version of the draft; ``client.versions.get(made["id"]).wait()`` waits for it."""
        answer: Json = self._transport.post(f"{self._path}/version", {"core": core}, creates=True)
        return answer
