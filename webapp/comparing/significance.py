"""Which differences are more than chance: asking workers once for each set of runs, and reading what they have found."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from webapp.broker import COMPARE_RUNS_TASK, ask_or_wait
from webapp.comparing.fairness import FairClass
from webapp.comparing.models import RunComparison
from webapp.experiments.events import MAIN_METRIC
from webapp.experiments.models import Run

ALL_PAIRS_UP_TO = 20
"""Of more runs each is compared with one only."""
LEVEL = 0.05
_ASK_AGAIN = timedelta(seconds=60)


@dataclass(frozen=True)
class Asked:
    """What is asked about a fairness class.

    Attributes:
        one: the class.
        runs: those with the metric on the test, in the order of the address.
        reference: each is compared with this one; None: all pairs.
        row: what a worker has answered, or is asked.
    """

    one: FairClass
    runs: list[Run]
    reference: Run | None
    row: RunComparison

    @property
    def waiting(self) -> bool:
        """Whether there is no answer yet."""
        return self.row.answered_at is None


def ask_about(classes: Sequence[FairClass], metric: str) -> list[Asked]:
    """The question of each class with two or more runs that have ``metric``; a worker is asked what it was not asked before.

    A question that nobody has answered within a minute is asked again. Never across classes. A few queries, however many
    classes there are.
    """
    wanted = {}
    for one in classes:
        runs = [run for run in one.runs if metric in run.test]
        if len(runs) > 1:
            reference = best_by_validation(runs) if len(runs) > ALL_PAIRS_UP_TO else None
            wanted[_key(runs, reference, metric)] = (one, runs, reference)
    known = {row.key: row for row in RunComparison.objects.filter(key__in=wanted)}
    now = timezone.now()
    missing = [
        RunComparison(
            key=key,
            metric=metric,
            runs=sorted(run.pk for run in runs),
            reference=reference.pk if reference else None,
            asked_at=now - 2 * _ASK_AGAIN,
        )
        for key, (_, runs, reference) in wanted.items()
        if key not in known
    ]
    if missing:
        RunComparison.objects.bulk_create(missing, ignore_conflicts=True)
        known |= {row.key: row for row in RunComparison.objects.filter(key__in=[row.key for row in missing])}
    _ask([row for row in known.values() if row.answered_at is None and row.asked_at < now - _ASK_AGAIN])
    return [Asked(one, runs, reference, known[key]) for key, (one, runs, reference) in wanted.items()]


def best_by_validation(runs: Sequence[Run]) -> Run:
    """The run to compare others with: the best by validation, because one chosen by the test would look too good there."""
    return max(runs, key=lambda run: (run.valid.get(MAIN_METRIC, 0.0), -run.pk))


def _ask(due: list[RunComparison]) -> None:
    """Send a message for each. One too many, from two pages at the same moment, is harmless: the second finds an answer."""
    if not due:
        return
    keys = [row.pk for row in due]
    RunComparison.objects.filter(pk__in=keys).update(asked_at=timezone.now())
    transaction.on_commit(lambda: [ask_or_wait(COMPARE_RUNS_TASK, pk) for pk in keys])


def _key(runs: Sequence[Run], reference: Run | None, metric: str) -> str:
    """Of the question: a run that ended anew, after it was extended, makes another one."""
    ended = sorted((run.pk, run.finished_at.isoformat() if run.finished_at else "") for run in runs)
    words: list[Any] = [metric, reference.pk if reference else None, ended]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()
