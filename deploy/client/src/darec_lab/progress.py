"""Telling people how far something is: by a bar where rich is installed, else by lines; on stderr always."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Told = Callable[[float, float, str], None]
"""Takes what is done, of how much, and a word on what is being done."""


def plain(text: object) -> str:
    """Text of others for a terminal: without control characters, which could move the cursor or change the title."""
    return "".join(letter if letter.isprintable() else "�" for letter in str(text))


@contextmanager
def shown(title: str, progress: "bool | Told") -> Iterator[Told]:
    """What to call with the progress.

    Args:
        title: stands before the bar.
        progress: True shows a bar; a function is called instead; False tells nobody.
    """
    if callable(progress):
        yield progress
    elif not progress:
        yield lambda done, of, word: None
    else:
        with _bar(plain(title)) as told:
            yield told


@contextmanager
def _bar(title: str) -> Iterator[Told]:
    try:
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
    except ImportError:
        yield _lines(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(escape(title), total=None)

        def told(done: float, of: float, word: str) -> None:
            bar.update(task, completed=done, total=of, description=escape(f"{title} {plain(word)}"))

        yield told


def _lines(title: str) -> Told:
    last = ""

    def told(done: float, of: float, word: str) -> None:
        nonlocal last
        line = f"{title} {plain(word)} {done / of if of else 1:.0%}"
        if line != last:
            print(line, file=sys.stderr)
            last = line

    return told
