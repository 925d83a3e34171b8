"""What this process works on, so that each line of its log says so: run, search or version, attempt, task.

A worker's process and its child do one thing at a time, in several threads that all belong to it: these ids are the process's.
A request's id is its own thread's (``webapp.request_ids``).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

Ids = Mapping[str, str | int]
_ids: dict[str, str | int] = {}


def known_ids() -> dict[str, str | int]:
    """The ids of what this process works on now, by name: run, attempt, task, task_id and so on."""
    return _ids


@contextmanager
def about(**ids: str | int) -> Iterator[None]:
    """While this lasts, lines of the log bear ``ids`` beside those that they have; empty ones are left out."""
    global _ids
    before = _ids
    _ids = {**before, **{name: value for name, value in ids.items() if value not in ("", 0)}}
    try:
        yield
    finally:
        _ids = before


def begin_about(ids: Ids) -> None:
    """From now on, lines of the log bear ``ids`` and no others."""
    global _ids
    _ids = dict(ids)
