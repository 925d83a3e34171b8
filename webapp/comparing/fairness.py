"""The fairness guard: which runs may stand side by side, and in words what keeps the others apart."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webapp.display import count
from webapp.experiments import display
from webapp.experiments.models import Run, RunState

_NAMED = 4
_PARTS = {
    "version": "another version of the data",
    "split": "another kind of split",
    "split_hash": "another split",
    "seen": "another rule for items already seen",
    "candidates": "other candidates to rank",
    "ties": "another rule for ties",
    "catalogue": "a catalogue of another size",
    "metrics": "another set of metrics",
    "mode": "another metric mode",
    "measured": "measures on validation only",
    "users": "other numbers of users evaluated",
}
"""What differs, as the object of "uses"; ``measured`` and ``users`` are not of the protocol, but of what was done under it."""


@dataclass(frozen=True)
class FairClass:
    """Finished runs whose numbers may be ranked together.

    Attributes:
        name: A, B, ...; A has most runs.
        runs: in the order of the address.
        protocol: of all of them.
        users: evaluated in each of them.
        apart: what differs from class A, in words; empty for A itself.
    """

    name: str
    runs: list[Run]
    protocol: dict[str, Any]
    users: int | None
    apart: tuple[str, ...]

    @property
    def line(self) -> str:
        """The protocol, in one line."""
        users = f" · {count(self.users)} users" if self.users is not None else ""
        return f"{display.protocol_line(self.protocol)}{users}"


@dataclass(frozen=True)
class Guarded:
    """Runs sorted into classes.

    Attributes:
        classes: the largest first.
        unfinished: runs without a result.
    """

    classes: list[FairClass]
    unfinished: list[Run]

    @property
    def warnings(self) -> list[str]:
        """A sentence for each class that stands apart."""
        return [f"{_names(one.runs)} shown apart: {'; '.join(one.apart)}." for one in self.classes[1:]]


def guard(runs: Sequence[Run]) -> Guarded:
    """Sort ``runs`` into classes: equal in the whole protocol, in the users evaluated, and in whether the test was measured."""
    found: dict[str, list[Run]] = {}
    unfinished = []
    for run in runs:
        # A refit has nothing that could be compared.
        if run.state == RunState.SUCCEEDED and run.protocol and run.refits_id is None:
            found.setdefault(json.dumps(_conditions(run), sort_keys=True), []).append(run)
        else:
            unfinished.append(run)
    ordered = sorted(found.values(), key=lambda members: -len(members))
    classes = []
    for place, members in enumerate(ordered):
        first = members[0]
        apart = tuple(differences(_conditions(first), _conditions(ordered[0][0]))) if place else ()
        classes.append(FairClass(letters(place), members, first.protocol, first.users_evaluated, apart))
    return Guarded(classes, unfinished)


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """What differs between two sets of conditions, in words, ours first."""
    found = []
    for part in dict.fromkeys((*_PARTS, *ours, *theirs)):
        mine, other = ours.get(part), theirs.get(part)
        if mine == other:
            continue
        if part == "measured":
            found.append(f"{_MEASURED[bool(mine)]}, not {_MEASURED[bool(other)]}")
        else:
            words = _PARTS.get(part, f"another {part.replace('_', ' ')}")
            found.append(f"{words} ({_value(part, mine)}, not {_value(part, other)})")
    return found


def letters(place: int) -> str:
    """0, 1, ... 25, 26: A, B, ... Z, AA."""
    return chr(65 + place) if place < 26 else letters(place // 26 - 1) + letters(place % 26)


def conditions(protocol: dict[str, Any], users: int | None, measured: bool) -> dict[str, Any]:
    """All that must be equal before two numbers may stand side by side."""
    return {**protocol, "users": users, "measured": measured}


def _conditions(run: Run) -> dict[str, Any]:
    return conditions(run.protocol, run.users_evaluated, bool(run.test))


_MEASURED = {True: "measured on the test", False: "measured on validation only"}


def _value(part: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(str, value))[:200]
    text = str(value)
    return text[:10] if part in ("version", "split_hash") else text[:200]


def _names(runs: list[Run]) -> str:
    """Some of the runs by name, the rest by their number, and the verb."""
    names = [str(run) for run in runs[:_NAMED]]
    if len(runs) > _NAMED:
        names.append(f"{len(runs) - _NAMED} more")
    words = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{words} {'is' if len(runs) == 1 else 'are'}"


def by_state(runs: Sequence[Run]) -> str:
    """Unfinished runs in words: ``2 running, 1 failed``."""
    numbers = Counter(RunState(run.state).label for run in runs)
    return ", ".join(f"{number} {label}" for label, number in numbers.items())
