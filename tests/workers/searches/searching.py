"""Searches for tests: tiny plans, and trials that end as the test says, without a process for each."""

import io
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from engine.search.backbone import layers_and_cost
from engine.search.plan import SearchPlan
from engine.search.space import SearchSpace
from engine.spec import override, parse_spec, validate
from tests.engine.methods.runs import small_spec
from tests.workers.searches.objective import USERS, make_result, objective
from webapp.accounts.actions import ensure_account
from webapp.accounts.models import Project
from webapp.datasets.models import Version
from webapp.experiments.models import Run, RunState
from webapp.searches.launching import launch_search
from webapp.searches.models import Search, SearchTrial, Stage, TrialState
from workers.claims import claim_run
from workers.failures import Failure
from workers.outcome import succeed
from workers.searches.decision import as_trial
from workers.searches.settling import settle
from workers.searches.steps import advance_search


@cache
def _run() -> dict[str, Any]:
    return small_spec("darec", {"training.minutes": 1.0, "method.architecture": "lora/both/4"}).model_dump(mode="json")


def small_plan(**settings: Any) -> SearchPlan:
    """Two layers; without the model, which takes seconds to load, unless ``settings`` say otherwise."""
    values = {"run": _run(), "trials": 5, "start": 30, "final_seeds": 2, "space": {"ranks": [2, 4]}}
    return validate(SearchPlan, override(values, settings))


def make_search(version: Version, at_once: int = 2, **settings: Any) -> Search:
    """A launched search, which no worker has seen."""
    user = ensure_account("rita", "rita-secret-1", version.dataset.project.name, "researcher")
    project = Project.objects.get(pk=version.dataset.project_id)
    return launch_search(project, version, user, small_plan(**settings), at_once=at_once)


def end_run(trial: SearchTrial, value: float | None = None, **result: Any) -> None:
    """Let the run of ``trial`` succeed, worth what the objective says unless a value is given."""
    run = Run.objects.get(pk=trial.run_id)
    attempt = claim_run(run.pk)
    assert attempt is not None
    spec = parse_spec(run.spec)
    told = make_result(spec, objective(spec) if value is None else value).model_copy(update=result)
    assert succeed(attempt, told)
    generator = np.random.default_rng([spec.training.seed, trial.number])
    file = io.BytesIO()
    ranks = np.floor(generator.exponential(1 / told.valid["ndcg@10"], USERS))
    pl.DataFrame({"user": np.arange(USERS, dtype=np.int32), "rank": ranks}).write_parquet(file)
    default_storage.save(f"{run.folder_key}/ranks_test.parquet", ContentFile(file.getvalue()))


def fail_run(trial: SearchTrial, message: str = "Out of luck.") -> None:
    """Let the run of ``trial`` fail."""
    attempt = claim_run(trial.run_id)
    assert attempt is not None
    assert attempt.fail(Failure(message, "Try again."))


def play(search: Search, end: Callable[[SearchTrial], None] = end_run, rounds: int = 60) -> Search:
    """Do what workers do, one run after the other, until nothing runs any more."""
    for _ in range(rounds):
        advance_search(search.pk)
        running = search.trials.filter(state=TrialState.RUNNING, run__state=RunState.QUEUED).order_by("pk").first()
        if running is None:
            break
        end(running)
    settle(search.pk)
    search.refresh_from_db()
    return search


def best_of_rows(search: Search) -> int:
    """Number of the trial that wins, worked out anew from the rows alone."""
    from engine.search.winner import best

    plan = search.read_plan()
    space = SearchSpace(plan.space, *layers_and_cost(plan.method))
    return best(space, [as_trial(row) for row in search.trials.filter(stage=Stage.TRIAL).order_by("number")]).trial.number
