"""The list of searches: how far each is, its best value, and what came out."""

from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from webapp.accounts.models import Project
from webapp.datasets.models import HEAVY_OF_VERSION
from webapp.display import count, moment, score
from webapp.searches import display
from webapp.searches.models import ADVANCING_STATES, Search, Stage, TrialState
from webapp.searches.verdict import first_words


def listed(project: Project) -> QuerySet[Search]:
    """The project's searches, newest first, without their large columns."""
    return with_counts(Search.objects.filter(project=project)).order_by("-id")


def with_counts(searches: QuerySet[Search]) -> QuerySet[Search]:
    """``searches`` with what ``line`` shows, without their large columns."""
    mine = Q(trials__stage=Stage.TRIAL)
    return (
        searches.select_related("version__dataset")
        .annotate(
            planned=KeyTextTransform("trials", "plan"),
            verdict=KeyTextTransform("verdict", "answer"),
            done=Count("trials", filter=mine & Q(trials__state=TrialState.DONE)),
            going=Count("trials", filter=mine & Q(trials__state=TrialState.RUNNING)),
            best=Max("trials__value", filter=mine),
        )
        .defer("plan", "answer", "winner", *HEAVY_OF_VERSION)
    )


def line(search: Any) -> dict[str, Any]:
    """A row; ``search`` comes from ``listed``."""
    return {
        "search": search,
        "state": display.state(search),
        "trials": f"{count(search.done)} of {search.planned} done" + (f", {count(search.going)} running" if search.going else ""),
        "best": score(search.best),
        "outcome": search.message if search.state == "failed" else first_words(search.verdict or ""),
        "created": moment(search.created_at),
    }


def is_advancing(project: Project) -> bool:
    """Whether a search of the project still changes by itself."""
    return Search.objects.filter(project=project, state__in=ADVANCING_STATES).exists()
