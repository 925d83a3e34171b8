"""Comparing a set of finished runs inside a child process: all pairs, or each with one, over the same users."""

import logging
from itertools import combinations
from typing import Any

from django.db.models.functions import Now

from engine.errors import UserError
from engine.evaluation.compare import RankTable
from engine.evaluation.many import paired_many
from webapp.comparing.models import RunComparison
from webapp.experiments.models import Run, RunState
from workers.comparing import read_ranks_of
from workers.text import storable

_log = logging.getLogger(__name__)


def compare_runs(pk: int) -> None:
    """Answer the question of row ``pk``; nothing for one that is answered, or gone. Bears being done twice."""
    asked = RunComparison.objects.filter(pk=pk, answered_at=None)
    question = asked.first()
    if question is None:
        _log.info("comparison %d is answered, or gone: nothing to do", pk)
        return
    asked.update(answer=storable(_answer(question)), answered_at=Now())


def _answer(question: RunComparison) -> dict[str, Any]:
    tables, without = _read(question.runs)
    known = list(tables)
    if question.reference is None:
        pairs = list(combinations(range(len(known)), 2))
    elif question.reference in tables:
        other = known.index(question.reference)
        pairs = [(place, other) for place in range(len(known)) if place != other]
    else:
        return {"without": without, "problem": f"The ranks of run-{question.reference}, to compare the others with, are missing."}
    if not pairs:
        return {"without": without, "problem": "Fewer than two of the runs have ranks to compare."}
    try:
        found = paired_many(list(tables.values()), pairs, question.metric)
    except UserError as error:
        return {"without": without, "problem": str(error)}
    lines = [[known[line.a], known[line.b], *line[2:]] for line in found]
    return {"users": len(tables[known[0]].users), "pairs": lines, "without": without}


def _read(runs: list[int]) -> tuple[dict[int, RankTable], dict[str, str]]:
    """The ranks of the runs that have them, by id in the order given, and what is wrong with the others."""
    tables: dict[int, RankTable] = {}
    without: dict[str, str] = {}
    rows = Run.objects.filter(pk__in=runs, state=RunState.SUCCEEDED).only("pk", "folder_key").in_bulk()
    for pk in runs:
        if pk not in rows:
            without[str(pk)] = f"run-{pk} is gone, or runs again."
            continue
        try:
            tables[pk] = read_ranks_of(rows[pk])
        except UserError as error:
            without[str(pk)] = str(error)
    return tables, without
