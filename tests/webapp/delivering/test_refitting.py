"""Refits on pages: queued once, linked both ways, and nowhere among numbers that are compared."""

import pytest
from django.test import Client

from engine.errors import UserError
from tests.webapp.people import People, finish, make_run
from webapp.comparing.fairness import guard
from webapp.comparing.leaderboard import boards
from webapp.datasets.models import Version
from webapp.experiments.best import newest_best
from webapp.experiments.bulk import change_many
from webapp.experiments.models import Run, RunState
from webapp.experiments.refitting import queue_refit
from webapp.experiments.resuming import extend_run


def finished_refit(run: Run) -> Run:
    refit = queue_refit(run, run.created_by)
    refit.state, refit.protocol, refit.users_evaluated = RunState.SUCCEEDED, {**run.protocol, "split": "everything"}, 0
    refit.save()
    return refit


def test_a_refit_is_queued_once_and_linked(alice: Client, run: Run) -> None:
    response = alice.post(f"/runs/{run.pk}/refit")
    refit = Run.objects.get(refits=run)
    assert response["Location"] == f"/runs/{refit.pk}"
    assert (refit.state, refit.spec, refit.version) == (RunState.QUEUED, run.spec, run.version)
    assert alice.post(f"/runs/{run.pk}/refit")["Location"] == f"/runs/{refit.pk}"
    assert Run.objects.filter(refits=run).count() == 1
    assert f'href="/runs/{refit.pk}" id="to-refit"' in alice.get(f"/runs/{run.pk}").content.decode()
    finished = finished_refit(run)
    body = alice.get(f"/runs/{finished.pk}").content.decode()
    assert f'href="/runs/{run.pk}" id="to-refitted"' in body
    assert "no metrics of its own" in body
    assert 'id="refit"' not in body
    assert "<h2>Metrics</h2>" not in body
    assert 'id="to-extend"' not in body


def test_only_what_has_succeeded_is_refitted(alice: Client, people: People, version: Version, run: Run) -> None:
    with pytest.raises(UserError, match="is queued"):
        queue_refit(make_run(version), people.alice)
    with pytest.raises(UserError, match="is a refit already"):
        queue_refit(finished_refit(run), people.alice)
    with pytest.raises(UserError, match="is a refit"):
        extend_run(finished_refit(run), people.alice, {"epochs": 100_000})
    assert alice.post(f"/runs/{make_run(version).pk}/refit")["Location"].startswith("/runs/")


def test_a_failed_refit_is_tried_again(people: People, run: Run) -> None:
    first = queue_refit(run, people.alice)
    Run.objects.filter(pk=first.pk).update(state=RunState.FAILED)
    assert queue_refit(run, people.alice).pk != first.pk


def test_viewers_and_strangers(people: People, charlie: Client, bob: Client, run: Run) -> None:
    assert bob.post(f"/runs/{run.pk}/refit").status_code == 403
    assert charlie.post(f"/runs/{run.pk}/refit").status_code == 404
    assert bob.get(f"/runs/{run.pk}/refit").status_code == 405
    assert 'id="refit"' not in bob.get(f"/runs/{run.pk}").content.decode()
    assert not Run.objects.filter(refits=run).exists()


def test_a_refit_stands_beside_no_other_numbers(alice: Client, people: People, version: Version, run: Run) -> None:
    refit = finished_refit(run)
    guarded = guard([run, refit])
    assert [[one.pk for one in found.runs] for found in guarded.classes] == [[run.pk]]
    assert guarded.unfinished == [refit]
    assert [one.runs for board in boards(version) for one in board.configurations] == [[run.pk]]
    assert [[one.pk for one in best.runs] for best in newest_best(people.project, 5)] == [[run.pk]]
    for address in (f"/compare?runs={run.pk},{refit.pk}", f"/leaderboard?version={version.pk}", "/runs", "/"):
        assert alice.get(address).status_code == 200


def test_the_run_whose_metrics_a_refit_quotes_is_not_deleted(people: People, version: Version, run: Run) -> None:
    refit, free = finished_refit(run), finish(make_run(version))
    outcome = change_many(people.project, people.alice, "delete", [run.pk, free.pk])
    assert outcome.done == [free.pk]
    assert outcome.reasons == [f"run-{run.pk} was left out: run-{refit.pk} is its refit, and quotes its metrics."]
    change_many(people.project, people.alice, "delete", [refit.pk])
    assert change_many(people.project, people.alice, "delete", [run.pk]).done == [run.pk]
