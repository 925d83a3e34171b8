"""The runs list: which runs, in which order, and what each row says. Built to stay fast with thousands of runs."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, FloatField, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.http import QueryDict

from engine.methods import METHODS
from webapp.accounts.models import Project
from webapp.datasets.models import HEAVY_OF_VERSION
from webapp.display import moment, percent, score
from webapp.experiments import display
from webapp.experiments.events import MAIN_METRIC
from webapp.experiments.models import ACTIVE_STATES, Run, RunState

_HEAVY = ("spec", "data", "test", "valid", "slices", "intervals", "mask", "warnings", "error", "hint")
_SORTS = {
    "newest": F("id").desc(),
    "oldest": F("id").asc(),
    "ndcg": F("ndcg").desc(nulls_last=True),
    "duration": F("seconds").desc(nulls_last=True),
    "method": F("method").asc(),
}
STATE_FILTERS = {
    "active": ("active", ACTIVE_STATES),
    **{state.value: (state.label, (state,)) for state in RunState if state != RunState.DRAFT},
}


@dataclass(frozen=True)
class Listing:
    """What a runs list was asked for; unknown values fall back to all runs, newest first."""

    state: str = ""
    method: str = ""
    sort: str = "newest"

    @classmethod
    def from_query(cls, query: QueryDict) -> "Listing":
        """Read the address."""
        state, method, sort = query.get("state", ""), query.get("method", ""), query.get("sort", "newest")
        return cls(
            state if state in STATE_FILTERS else "",
            method if method in METHODS else "",
            sort if sort in _SORTS else "newest",
        )

    def query(self, project: Project) -> QuerySet[Run]:
        """The runs, without their large columns."""
        runs = with_score(Run.objects.filter(project=project).exclude(state=RunState.DRAFT))
        if self.state:
            runs = runs.filter(state__in=STATE_FILTERS[self.state][1])
        if self.method:
            runs = runs.filter(method=self.method)
        return runs.order_by(_SORTS[self.sort], "-id")

    def row(self, run: Run) -> dict[str, Any]:
        """One row, formatted."""
        return run_row(run)

    def address(self, **changes: str) -> str:
        """This list's query string with ``changes``."""
        values = {"state": self.state, "method": self.method, "sort": self.sort, **changes}
        return urlencode({name: value for name, value in values.items() if value and (name, value) != ("sort", "newest")})

    @property
    def here(self) -> str:
        """The query string of this list."""
        return self.address()

    @property
    def state_options(self) -> list[tuple[str, str]]:
        """Values and labels of the state filter."""
        return [(name, label) for name, (label, _) in STATE_FILTERS.items()]

    @property
    def method_options(self) -> list[tuple[str, str]]:
        """Values and labels of the method filter."""
        return [(entry.id, entry.title) for entry in METHODS]

    @property
    def sort_options(self) -> list[tuple[str, str]]:
        """Values and labels of the order."""
        return [
            ("newest", "newest first"),
            ("oldest", "oldest first"),
            ("ndcg", "best NDCG@10 first"),
            ("duration", "longest first"),
            ("method", "by method"),
        ]


def with_score(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Add ``ndcg``, the test NDCG@10, and leave out what lists do not show."""
    value = Cast(KeyTextTransform(MAIN_METRIC, "test"), FloatField())
    related = runs.annotate(ndcg=value).select_related("version__dataset", "variant__group")
    return related.defer(*_HEAVY, *HEAVY_OF_VERSION, "variant__comparison")


def run_row(run: Run) -> dict[str, Any]:
    """A run in a list. ``run`` comes from ``with_score``."""
    return {
        "pk": run.pk,
        "state": display.state(run),
        "active": display.is_active(run),
        "method": display.method_title(run.method),
        "preset": run.preset if run.preset != run.method and run.variant is None else "",
        "variant": str(run.variant) if run.variant else "",
        "version": f"{run.version.dataset.name} v{run.version.number}",
        "generated": run.version.dataset.generated,
        "ndcg": score(run.ndcg),  # type: ignore[attr-defined]
        "protocol": display.protocol_in_short(run.protocol),
        "started": moment(run.started_at or run.queued_at),
        "took": display.took(run),
        "fraction": float(run.progress.get("fraction", 0.0)),
        "percent": percent(float(run.progress.get("fraction", 0.0))),
    }


def active_exists(project: Project) -> bool:
    """Whether a run of the project still changes by itself."""
    return Run.objects.filter(project=project, state__in=ACTIVE_STATES).exists()
