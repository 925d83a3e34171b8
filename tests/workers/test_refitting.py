"""Refits by workers: the real engine, from a run that was really trained."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from engine.data.version import read_version
from engine.recommend import Recommender
from tests.workers.fixtures import FAST, Run, RunState, storage_root
from tests.workers.serving.conftest import Trained, make_ask, trained  # noqa: F401 - fixtures
from webapp.delivering.models import Promotion, Refresh
from webapp.experiments.refitting import queue_refit
from webapp.serving.models import AskState
from workers.claims import claim_run
from workers.serving.answers import answer_ask
from workers.supervisor import supervise_run


def executed(run: Run) -> Run:
    attempt = claim_run(run.pk)
    assert attempt is not None
    supervise_run(attempt, FAST)
    run.refresh_from_db()
    return run


@pytest.mark.parametrize("preset", ["popularity", "sasrec"])
def test_a_worker_refits_what_was_trained(preset: str, trained: Trained, tmp_path: Path) -> None:  # noqa: F811
    run = trained(preset)
    refit = executed(queue_refit(run, None))
    assert (refit.state, refit.error) == (RunState.SUCCEEDED, "")
    assert (refit.valid, refit.test, refit.users_evaluated, refit.samples.count()) == ({}, {}, 0, 0)
    assert str(run) in refit.warnings[0]
    version = read_version(storage_root() / run.version.storage_key)
    recommender = Recommender.open(storage_root() / refit.folder_key, version)
    assert len(recommender.split.train.items) == version.counts.interactions
    # For use, nothing is held out of a user's history.
    user = version.users[3]
    ask = make_ask(refit, of_user=user, k=3)
    assert answer_ask(ask.pk, tmp_path)
    ask.refresh_from_db()
    assert (ask.state, ask.error) == (AskState.ANSWERED, "")
    assert len(ask.answer["history"]) == len(recommender.history_of(user))
    assert len(ask.answer["recommended"]) == 3


def test_the_successor_of_a_refit_is_refitted_in_the_same_breath(trained: Trained) -> None:  # noqa: F811
    old = trained()
    promotion = Promotion.objects.create(dataset=old.version.dataset, run=old, run_number=old.pk)
    fresh = Run.objects.create(
        project=old.project, version=old.version, method=old.method, spec=old.spec, state=RunState.QUEUED, folder_key="runs/fresh"
    )
    user = User.objects.create(username="who")
    refresh = Refresh.objects.create(replaces=promotion, version=old.version, run=fresh, with_refit=True, asked_by=user)
    executed(fresh)
    refresh.refresh_from_db()
    assert refresh.refit is not None
    assert (refresh.refit.refits_id, refresh.refit.state, refresh.refit.created_by) == (fresh.pk, RunState.QUEUED, user)
    assert executed(refresh.refit).state == RunState.SUCCEEDED


def test_a_source_that_is_gone_is_said(trained: Trained) -> None:  # noqa: F811
    run = trained()
    refit = queue_refit(run, None)
    (storage_root() / run.folder_key / "result.json").unlink()
    executed(refit)
    assert refit.state == RunState.FAILED
    assert f"{run} holds no finished run" in refit.error
