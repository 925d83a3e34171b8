"""Finding items by their titles, as people type them. No torch here."""

import re
import unicodedata
from collections.abc import Sequence

_SPACES = re.compile(r"\s+")


class TitleSearch:
    """The titles of a catalogue, ready to be searched.

    Args:
        ids, titles: of the items, in index order.
    """

    def __init__(self, ids: Sequence[str], titles: Sequence[str]) -> None:
        self._ids = {item: index for index, item in enumerate(ids)}
        self._plain = [plain(title) for title in titles]

    def find(self, query: str, limit: int) -> list[int]:
        """Indexes of the items whose title holds ``query``, whatever the case: first the item of that id, then titles that
        begin with it, titles with a word that does, and all others; short titles first. Empty for an empty query."""
        wanted = plain(query)
        if not wanted:
            return []
        found = [(_place(title, wanted), len(title), index) for index, title in enumerate(self._plain) if wanted in title]
        exact = self._ids.get(query.strip())
        first = [] if exact is None else [exact]
        return [*first, *(index for _, _, index in sorted(found)[: limit + 1] if index != exact)][:limit]


def plain(text: str) -> str:
    """``text`` without differences of case, width and spaces."""
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def _place(title: str, wanted: str) -> int:
    if title.startswith(wanted):
        return 0
    return 1 if f" {wanted}" in title else 2
