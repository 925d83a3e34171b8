"""The best methods so far on each version, under each protocol: what the home page shows as new.

The fairness guard holds here too: numbers stand side by side only under one protocol, over the same users.
"""

import json
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db.models import F, FloatField, Max, QuerySet, Window
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, RowNumber

from webapp.accounts.models import Project
from webapp.datasets.models import HEAVY_OF_VERSION
from webapp.display import score
from webapp.experiments import display
from webapp.experiments.events import MAIN_METRIC
from webapp.experiments.intervals import interval_of_test
from webapp.experiments.models import Run, RunState

_METHODS = 2
_READ = 80
_SHORT_TRAININGS = ("trial", "rival")
_HEAVY = ("spec", "data", "valid", "slices", "warnings", "error", "hint", "curve", "curve_at", "progress", "mask", "notes")
_SMALLEST_P = 0.001


@dataclass(frozen=True)
class Best:
    """The two best methods on a version under one protocol, each by its best run; the best first. Validation chooses."""

    runs: list[Run]

    @property
    def first(self) -> Run:
        """The best."""
        return self.runs[0]


def newest_best(project: Project, most: int) -> list[Best]:
    """For the ``most`` versions and protocols that were measured last. Short trainings of searches do not count. One query."""
    found = sorted(_best_of_methods(project), key=_place)
    groups = [list(runs) for _, runs in groupby(found, key=_guard)]
    return [Best(runs[:_METHODS]) for runs in groups[:most]]


def best_row(best: Best) -> dict[str, Any]:
    """As a page shows it."""
    version = best.first.version
    return {
        "version": f"{version.dataset.name} v{version.number}",
        "dataset": version.dataset_id,
        "number": version.number,
        "generated": version.dataset.generated,
        "protocol": display.protocol_in_short(best.first.protocol),
        "whole": display.protocol_line(best.first.protocol),
        "runs": [
            {"pk": run.pk, "method": display.method_title(run.method), "ndcg": score(_ndcg(run)), "interval": _interval(run)}
            for run in best.runs
        ],
        "p": _p(best.runs),
        "side_by_side": ",".join(str(run.pk) for run in best.runs),
    }


def _best_of_methods(project: Project) -> "QuerySet[Run]":
    """The best run of each method on each version under each protocol, by validation.

    ``ndcg`` of test, ``chosen_by`` of validation, and ``newest``: when the last of all ended.
    """
    guard = [F("version"), F("protocol"), F("users_evaluated")]
    ended = Run.objects.filter(project=project, state=RunState.SUCCEEDED, archived_at=None)
    measured = ended.exclude(search_trial__stage__in=_SHORT_TRAININGS)
    test, valid = (Cast(KeyTextTransform(MAIN_METRIC, split), FloatField()) for split in ("test", "valid"))
    scored = measured.annotate(ndcg=test, chosen_by=valid).filter(ndcg__isnull=False, chosen_by__isnull=False)
    placed = scored.annotate(
        place=Window(RowNumber(), partition_by=[*guard, F("method")], order_by=[F("chosen_by").desc(), F("pk").asc()]),
        newest=Window(Max("finished_at"), partition_by=guard),
    )
    related = placed.filter(place=1).select_related("version__dataset", "variant").defer(*_HEAVY, *HEAVY_OF_VERSION)
    return related.order_by(F("newest").desc(nulls_last=True), "-id")[:_READ]


def _place(run: Run) -> tuple[Any, ...]:
    newest = run.newest  # type: ignore[attr-defined]
    return -newest.timestamp() if newest else 0.0, _guard(run), -run.chosen_by, run.pk  # type: ignore[attr-defined]


def _guard(run: Run) -> tuple[Any, ...]:
    return run.version_id, json.dumps(run.protocol, sort_keys=True), run.users_evaluated or 0


def _ndcg(run: Run) -> float:
    return float(run.ndcg)  # type: ignore[attr-defined]


def _interval(run: Run) -> str:
    """The 95 % interval over users, of a run that has one."""
    ends = interval_of_test(run, MAIN_METRIC)
    return f"{score(ends[0])} to {score(ends[1])}" if ends else ""


def _p(runs: list[Run]) -> str:
    """The p-value of the comparison that their group has stored, if it compares just these methods; else empty."""
    if len(runs) != _METHODS:
        return ""
    for one, other in (runs, reversed(runs)):
        stored = one.variant.comparison if one.variant is not None else {}
        if one.pk in stored.get("runs", []) and other.pk in stored.get("base", []) and "values" in stored:
            p, seeds = float(stored["values"]["p"]), len(stored["runs"])
            words = "p < .001" if p < _SMALLEST_P else f"p {p:.3f}".replace("0.", ".", 1)
            return f"{words}, over {seeds} seeds" if seeds > 1 else words
    return ""
