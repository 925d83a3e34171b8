"""The demo's runs: what is launched, and how they are watched."""

import pytest
from django.utils import timezone

from deploy.local.demo import follow, runs
from deploy.local.demo.runs import Sight
from deploy.local.errors import ServiceError
from tests.webapp.people import People, make_run
from webapp.datasets.models import Version
from webapp.experiments.models import RunEvent, RunState

pytestmark = pytest.mark.django_db


def test_each_preset_gets_its_time(version: Version, people: People) -> None:
    launched = runs.launch(version, people.alice)
    assert [run.preset for run in launched] == ["sasrec", "darec-nano"]
    assert [run.spec["training"]["minutes"] for run in launched] == [2.5, 5.0]
    version.dataset.generated = True
    launched = runs.launch(version, people.alice)
    assert [run.spec["training"]["minutes"] for run in launched] == [0.7, 1.2]


def test_unfinished_runs_are_taken_up_and_finished_ones_are_not(version: Version, people: People) -> None:
    first, second = runs.launch(version, people.alice)
    first.state = RunState.SUCCEEDED
    first.save()
    again = runs.launch(version, people.alice)
    assert again[0] != first
    assert again[1] == second


def test_watching_shows_progress_and_ends_with_the_last_run(version: Version) -> None:
    run = make_run(version, RunState.RUNNING)
    run.progress = {"phase": "training", "fraction": 0.25, "eta_seconds": 61.0}
    run.save()
    for sequence, value in enumerate((0.1, 0.2)):
        values = {"split": "valid", "values": {"ndcg@10": value}}
        RunEvent.objects.create(run=run, attempt=0, sequence=sequence, type="metric", payload=values, created_at=timezone.now())
    seen: list[Sight] = []

    def show(sights: list[Sight]) -> None:
        seen.extend(sights)
        type(run).objects.filter(pk=run.pk).update(state=RunState.FAILED)

    runs.watch([run], show, lambda: None)
    assert [sight.state for sight in seen] == ["running", "failed"]
    assert seen[0].phase == "training"
    assert seen[0].fraction == 0.25
    assert seen[0].eta_seconds == 61.0
    assert seen[0].valid_ndcg == 0.2


def test_watching_ends_when_nothing_moves(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "STUCK_MINUTES", 0.001)
    monkeypatch.setattr(follow, "LOOK_SECONDS", 0.01)
    with pytest.raises(ServiceError, match="Nothing has moved"):
        runs.watch([make_run(version)], lambda sights: None, lambda: None)


def test_watching_ends_when_the_services_are_gone(version: Version) -> None:
    run = make_run(version)

    def gone() -> None:
        raise ServiceError("gone")

    with pytest.raises(ServiceError, match="gone"):
        runs.watch([run], lambda sights: None, gone)
