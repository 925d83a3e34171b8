"""A strict register of named things: no duplicates, no bad names, and an error that lists what exists."""

import difflib
import re
from collections.abc import Iterator
from typing import Generic, TypeVar

from engine.errors import UserError

T = TypeVar("T")
_NAME = re.compile(r"[a-z0-9]+(?:[-_@][a-z0-9]+)*")


class Registry(Generic[T]):
    """Maps names to things of one noun.

    Args:
        noun: what is registered, for messages: "method", "metric".
    """

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._things: dict[str, T] = {}

    def register(self, name: str, thing: T) -> T:
        """Add ``thing``; raises ValueError for a name that is taken or malformed."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no {self.noun} name: use lower case letters, digits and hyphens")
        if name in self._things:
            raise ValueError(f"the {self.noun} {name!r} is registered already")
        self._things[name] = thing
        return thing

    def get(self, name: str) -> T:
        """The thing called ``name``; raises UserError that lists the names that exist."""
        try:
            return self._things[name]
        except KeyError:
            close = difflib.get_close_matches(name, self._things, n=1)
            guess = f"Did you mean {close[0]!r}? " if close else ""
            raise UserError(f"There is no {self.noun} {name!r}.", f"{guess}Choose one of: {', '.join(self.names())}.") from None

    def names(self) -> list[str]:
        """All names, in order of registration."""
        return list(self._things)

    def __contains__(self, name: object) -> bool:
        return name in self._things

    def __iter__(self) -> Iterator[T]:
        return iter(self._things.values())
