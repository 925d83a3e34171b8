"""Sample recommendations of several runs for the same users, side by side."""

from collections.abc import Sequence
from typing import Any

from webapp.comparing.fairness import FairClass
from webapp.display import count
from webapp.experiments import display
from webapp.experiments.models import Run, SampleRecommendation
from webapp.experiments.samples import sample as sample_of

USERS = 5
COLUMNS = 6
"""So many runs stand beside each other at once."""


def side_by_side(classes: Sequence[FairClass], place: int) -> dict[str, Any]:
    """For each class the users that most of the runs shown have a sample of, each with the runs' lists in columns.

    Runs of one version and split have samples of the same users (``engine.run``), unless they were told to store fewer.
    One query, for the samples of at most ``COLUMNS`` runs, from ``place`` on.
    """
    runs = [(one, run) for one in classes for run in one.runs]
    place = place if place < len(runs) else 0
    shown = runs[place : place + COLUMNS]
    rows: dict[int, dict[str, SampleRecommendation]] = {}
    for row in SampleRecommendation.objects.filter(run__in=[run.pk for _, run in shown]).order_by("run", "position"):
        rows.setdefault(row.run_id, {}).setdefault(row.user_id_text, row)
    blocks = []
    for one in classes:
        members = [run for owner, run in shown if owner is one and run.pk in rows]
        if members:
            blocks.append({"name": one.name, "line": one.line, "runs": members, "users": _users(one, members, rows)})
    return {
        "blocks": blocks,
        "first": place + 1,
        "last": place + len(shown),
        "total": len(runs),
        "before": max(0, place - COLUMNS) if place else None,
        "after": place + COLUMNS if place + COLUMNS < len(runs) else None,
    }


def _users(one: FairClass, runs: list[Run], rows: dict[int, dict[str, SampleRecommendation]]) -> list[dict[str, Any]]:
    sampled: dict[str, int] = {}
    for run in runs:
        for user in rows[run.pk]:
            sampled[user] = sampled.get(user, 0) + 1
    # Those that most runs have; among them as the first run has them. Python's sort keeps that order.
    shared = sorted(sampled, key=lambda user: -sampled[user])[:USERS]
    found = []
    for user in shared:
        first = next(rows[run.pk][user] for run in runs if user in rows[run.pk])
        columns = [_column(run, rows[run.pk].get(user), first, one.protocol.get("catalogue")) for run in runs]
        found.append({"user": user, "history": first.history, "target": first.target, "columns": columns})
    return found


def _column(run: Run, row: SampleRecommendation | None, first: SampleRecommendation, catalogue: int | None) -> dict[str, Any]:
    about = {"run": run, "method": display.method_title(run.method)}
    if row is None:
        return {**about, "missing": "This run stored no sample of this user."}
    if (row.history, row.target) != (first.history, first.target):
        return {**about, "missing": "This run has another history or held-out item for this user."}
    sample = sample_of(row, catalogue)
    known = {item["id"] for item in row.history}
    lines = [{**item, "seen": item["id"] in known} for item in sample["recommended"]]
    return {**about, "position": sample["position"], "hit": sample["hit"], "recommended": lines}


def words_of(side: dict[str, Any]) -> str:
    """Which runs are shown: ``runs 1 to 6 of 100``."""
    return f"runs {side['first']} to {side['last']} of {count(side['total'])}"
