"""The demo's architecture search: small enough to watch, on the same workers and by the same steps as a large one."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import User
from rich.console import Console
from rich.text import Text

from deploy.local.demo.follow import follow
from deploy.local.demo.show import architecture, plain
from engine.search.plan import SearchPlan
from engine.search.presets import search_presets
from webapp.accounts.models import Project
from webapp.datasets.models import Version
from webapp.experiments.models import RunState
from webapp.searches.launching import launch_search
from webapp.searches.models import ADVANCING_STATES, FINAL_STAGES, OPEN_STATES, Search, SearchState, Stage, TrialState

TRIALS = 5
REAL_MINUTES = 3.0
GENERATED_MINUTES = 0.6


@dataclass(frozen=True)
class SearchSight:
    """What is known of a search right now."""

    state: str
    ended: int
    best: float | None
    running: tuple[str, ...]
    finals: int


def plan_for(version: Version) -> SearchPlan:
    """A few trials and one seed in the final comparison: it shows the way, not what a search of thirty trials finds."""
    minutes = GENERATED_MINUTES if version.dataset.generated else REAL_MINUTES
    return (
        search_presets()
        .get("search-nano")
        .plan({"trials": TRIALS, "final_seeds": 1, "share": 0.3, "run.training.minutes": minutes})
    )


def launch(version: Version, user: User) -> Search:
    """A search; an unfinished one of the same settings that an earlier demo left is taken up again."""
    plan = plan_for(version)
    left = Search.objects.filter(version=version, plan=plan.model_dump(mode="json"), state__in=OPEN_STATES)
    project = Project.objects.get(pk=version.dataset.project_id)
    return left.order_by("id").first() or launch_search(project, version, user, plan)


def watch(search: Search, target: Console, check: Callable[[], None]) -> None:
    """Say what moves until the search has ended; raises what ``follow`` raises."""
    told: set[str] = set()

    def show(sight: SearchSight) -> None:
        line = _line(search, sight)
        if line not in told:
            told.add(line)
            target.print(line, markup=False)

    follow(lambda: _look(search), show, lambda _: search.state not in ADVANCING_STATES, check)


def finished(search: Search) -> bool:
    """Whether the search has an answer."""
    return search.state == SearchState.FINISHED


def result(target: Console, search: Search) -> None:
    """The verdict and the winner's layers, or why there is none."""
    target.print()
    if not finished(search):
        target.print(f"{search} {search.get_state_display()}: {plain(search.message)} {plain(search.hint)}", markup=False)
        return
    target.print(Text(f"Architecture search {search}: the winner of {TRIALS} trials, layer by layer", style="bold"))
    target.print(architecture(search.trials.filter(stage=Stage.WINNER).order_by("pk")[0].run))
    target.print(search.answer["verdict"], markup=False)
    target.print(f"{TRIALS} trials and one seed show the way; a search that can find something has thirty, and three seeds.")


def _look(search: Search) -> SearchSight:
    search.refresh_from_db()
    trials = search.trials.filter(stage=Stage.TRIAL)
    going = search.trials.filter(run__state=RunState.RUNNING).order_by("pk")
    return SearchSight(
        state=search.get_state_display(),
        ended=trials.exclude(state=TrialState.RUNNING).count(),
        best=max((trial.value for trial in trials if trial.value is not None), default=None),
        running=tuple(f"{trial.get_stage_display()} {trial.number}" for trial in going),
        finals=search.trials.filter(stage__in=FINAL_STAGES, run__state=RunState.SUCCEEDED).count(),
    )


def _line(search: Search, sight: SearchSight) -> str:
    best = f" · best valid NDCG@10 {sight.best:.4f}" if sight.best is not None else ""
    running = f" · {', '.join(sight.running)}" if sight.running else ""
    return f"{search!s:<8} {sight.state} · {sight.ended} of {TRIALS} trials{best}{running}"
