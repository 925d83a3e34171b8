"""Reading the runs of a comparison: one query, without what it does not show."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Case, Q, QuerySet, When
from django.http import Http404
from django.urls import reverse

from webapp.accounts.models import Project
from webapp.datasets.models import HEAVY_OF_VERSION
from webapp.experiments.access import runs_for_user
from webapp.experiments.listing import run_row, with_score
from webapp.experiments.models import Run, RunState

_NEVER = ("data", "warnings", "acknowledged", "error", "hint", "curve", "curve_at", "progress", "mask", "notes")
_OFFERED = 10


@dataclass(frozen=True)
class Loaded:
    """The runs of a comparison.

    Attributes:
        runs: in the order of the address.
        unknown: ids that are no runs, or none that the user may see.
    """

    runs: list[Run]
    unknown: list[int]


def load_runs(user: User, ids: Sequence[int], without: Sequence[str] = ()) -> Loaded:
    """The runs that the user may see, each with its data set; ``without`` names further columns to leave out.

    Raises Http404 if there are ids, but the user may see none of them.
    """
    rows = runs_for_user(user).filter(pk__in=ids).select_related("version__dataset", "variant", "project")
    found = {run.pk: run for run in rows.defer(*_NEVER, *without, *HEAVY_OF_VERSION, "variant__comparison")}
    if ids and not found:
        raise Http404("There are no such runs, or they are not yours.")
    return Loaded([found[pk] for pk in ids if pk in found], [pk for pk in ids if pk not in found])


def offer(project: Project, wanted: str, taken: Sequence[int], like: Run | None) -> list[dict[str, object]]:
    """Rows of runs to add: those with the words ``wanted`` in method, preset, data set or variant, or the newest finished ones.

    Args:
        like: where nothing is wanted, those on its version, and of them those under its protocol first.
    """
    runs = not_archived(with_score(Run.objects.filter(project=project))).exclude(pk__in=taken).exclude(state=RunState.DRAFT)
    if wanted:
        fields = ("method", "preset", "version__dataset__name", "variant__label")
        words = Q()
        for field in fields:
            words |= Q(**{f"{field}__icontains": wanted})
        runs = runs.filter(words)
    else:
        runs = runs.filter(state=RunState.SUCCEEDED)
        if like:
            # Those that may be ranked with it come first.
            alike = Case(When(protocol=like.protocol, then=0), default=1)
            runs = runs.filter(version=like.version_id).annotate(apart=alike).order_by("apart", "-pk")
            return [run_row(run) for run in runs[:_OFFERED]]
    return [run_row(run) for run in runs.order_by("-pk")[:_OFFERED]]


def named(run: Run) -> dict[str, Any]:
    """``pk``, ``name`` and ``address`` of a run. Asking Django for each of hundreds of addresses takes longer than the rest."""
    return {"pk": run.pk, "name": str(run), "address": f"{_runs_address()}{run.pk}"}


@cache
def _runs_address() -> str:
    return reverse("run", args=[0]).removesuffix("0")


def not_archived(runs: "QuerySet[Run]") -> "QuerySet[Run]":
    """Without runs that people have put away."""
    return runs.filter(archived_at=None)
