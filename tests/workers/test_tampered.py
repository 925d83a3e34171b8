"""Folders that were changed between a run's attempts, or after its end: it ends in the right state, with words for people."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from tests.engine.test_seal import flip
from tests.workers.fixtures import FAST, Run, RunState, Version, storage_root
from tests.workers.serving.conftest import Trained, make_ask, trained  # noqa: F401 - fixtures
from webapp.accounts.models import Membership, Role
from webapp.experiments.actions import launch_run
from webapp.experiments.refitting import queue_refit
from webapp.experiments.resuming import extend_run, resume_run
from webapp.serving.models import AskState
from workers.claims import claim_run
from workers.serving import answers
from workers.serving.answers import answer_ask
from workers.supervisor import supervise_run

Change = Callable[[Path], object]
CHANGES: dict[str, Change] = {
    "a byte": lambda folder: flip(folder / "model.safetensors"),
    "another file": lambda folder: (folder / "extra.bin").write_bytes(b"x"),
    "emptied marker": lambda folder: (folder / "COMPLETE").write_text(""),
}
changes = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
WORDS = ("its SHA-256 is not the one", "was put there afterwards", "COMPLETE was emptied")
pytestmark = [pytest.mark.services]


@pytest.fixture
def user(version: Version) -> User:
    made = User.objects.create_user("alice")
    Membership.objects.create(user=made, project=version.dataset.project, role=Role.RESEARCHER)
    return made


@pytest.fixture(autouse=True)
def _empty_shelf() -> Iterator[None]:
    answers.models.cache_clear()
    yield
    answers.models.cache_clear()


def executed(run: Run) -> Run:
    attempt = claim_run(run.pk)
    assert attempt is not None
    supervise_run(attempt, FAST)
    run.refresh_from_db()
    return run


def refused(run: Run) -> None:
    """It failed, and says what was changed and what to do."""
    assert run.state == RunState.FAILED
    assert any(words in run.error for words in WORDS), run.error
    assert run.hint
    assert str(storage_root()) not in run.error + run.hint
    assert run.reference == "", "it is no fault of ours"
    assert not run.test


def short_run(version: Version, user: User) -> Run:
    from engine.presets import get_preset

    settings = {"training.epochs": 2, "training.threads": 1, "method.dimensions": 16}
    run = executed(launch_run(version, user, get_preset("sasrec").spec(settings)))
    assert run.state == RunState.SUCCEEDED, run.error
    return run


def checkpoints(run: Run) -> list[Path]:
    return [path for path in (storage_root() / run.folder_key / "checkpoints").iterdir() if (path / "COMPLETE").is_file()]


@changes
def test_nothing_goes_on_from_a_checkpoint_that_was_changed(version: Version, user: User, change: Change) -> None:
    run = short_run(version, user)
    assert checkpoints(run)
    for folder in checkpoints(run):
        change(folder)
    refused(executed(extend_run(run, user, {"epochs": 4})))
    # As if its worker had been lost after the last checkpoint, and somebody had come by before the next attempt.
    Run.objects.filter(pk=run.pk).update(state=RunState.FAILED, error="Lost.", test={}, valid={})
    run.refresh_from_db()
    resume_run(run, user)
    refused(executed(run))
    # Asked for again it says the same, and never goes on with what is not its own.
    resume_run(run, user)
    refused(executed(run))


@changes
def test_a_model_that_was_changed_answers_nobody_and_is_not_refitted(
    trained: Trained,  # noqa: F811
    change: Change,
    tmp_path: Path,
) -> None:
    run = trained("sasrec")
    change(storage_root() / run.folder_key / "model")
    ask = make_ask(run, query="a", items=["i1"])
    assert answer_ask(ask.pk, tmp_path)
    ask.refresh_from_db()
    assert ask.state == AskState.FAILED
    assert any(words in ask.error for words in WORDS), ask.error
    assert str(storage_root()) not in ask.error
    refused(executed(queue_refit(run, None)))


def test_a_result_that_was_changed_is_not_refitted(trained: Trained) -> None:  # noqa: F811
    run = trained("sasrec")
    path = storage_root() / run.folder_key / "result.json"
    result = json.loads(path.read_text())
    path.write_text(json.dumps({**result, "stage_epochs": [1000]}))
    refit = executed(queue_refit(run, None))
    refused(refit)
    assert "result.json was changed" in refit.error
