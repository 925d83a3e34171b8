"""What the tests of faults have seen: one line a fault in a table at the end (`make faults`)."""

import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SEED = int(os.environ.get("FAULT_SEED", "0"))
"""All moments and victims are drawn from it."""
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))
"""How often the tests that draw at random draw: 1 in `make test`; `make faults` draws more."""


def chance(name: str) -> random.Random:
    """The random numbers of the test ``name``: the same for the same FAULT_SEED, whatever ran before."""
    return random.Random(f"{SEED} {name}")


@dataclass
class Case:
    """One fault while it is watched."""

    fault: str
    injected: int = 1
    survived: bool = False
    seconds: float = 0
    """From the fault to the right state."""
    lost: str = "none"
    """Work that had to be done again, in words: ``3 steps``."""
    _since: float = field(default_factory=time.monotonic, repr=False)
    _right: bool = field(default=False, repr=False)

    def strikes(self) -> None:
        """The fault is injected now; else it counts from the beginning of the block."""
        self._since = time.monotonic()

    def right(self) -> None:
        """The right state is reached now; else it counts to the end of the block."""
        self.seconds, self._right = time.monotonic() - self._since, True


class Faults:
    """All cases of a session."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    @contextmanager
    def inject(self, fault: str, injected: int = 1) -> Iterator[Case]:
        """Watch a fault: survived if the block, with all that it asserts, ends without an exception."""
        case = Case(fault, injected)
        self.cases.append(case)
        yield case
        case.survived = True
        if not case._right:
            case.right()

    def table(self) -> list[str]:
        """The lines: how often each fault struck, what survived, the longest time to the right state, the work lost."""
        rows = [("fault", "injected", "survived", "to right state", "work lost")]
        for fault in sorted({case.fault for case in self.cases}):
            cases = [case for case in self.cases if case.fault == fault]
            rows.append(
                (
                    fault,
                    str(sum(case.injected for case in cases)),
                    str(sum(case.injected for case in cases if case.survived)),
                    f"{max(case.seconds for case in cases):.1f} s",
                    ", ".join(sorted({case.lost for case in cases})),
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]

    def write(self, file: Path) -> None:
        """One JSON object a line and case."""
        lines = [{name: value for name, value in vars(case).items() if not name.startswith("_")} for case in self.cases]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))


FAULTS = Faults()
