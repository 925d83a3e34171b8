"""Runs that ended and go on: with a real queue and real child processes, and for extensions the real engine."""

import json
from collections.abc import Callable

import pytest
import torch
from django.contrib.auth.models import User
from redis import Redis
from safetensors.torch import load_file

from tests.workers.fixtures import FAST, Run, RunState, Version, storage_root
from webapp.accounts.models import Membership, Role
from webapp.experiments.actions import launch_run
from webapp.experiments.models import AttemptRecord, Ending
from webapp.experiments.resuming import extend_run, resume_run
from workers.claims import claim_run
from workers.supervisor import supervise_run

MakeRun = Callable[..., Run]
pytestmark = [pytest.mark.services]


@pytest.fixture
def user(version: Version) -> User:
    made = User.objects.create_user("alice")
    Membership.objects.create(user=made, project=version.dataset.project, role=Role.RESEARCHER)
    return made


def execute(run: Run) -> Run:
    attempt = claim_run(run.pk)
    assert attempt is not None
    supervise_run(attempt, FAST)
    run.refresh_from_db()
    return run


def behave(run: Run, **behaviour: object) -> None:
    (storage_root() / run.folder_key / "behaviour.json").write_text(json.dumps(behaviour))


def begins(run: Run) -> list[str]:
    return list(run.events.filter(type="log", payload__message__startswith="begins").values_list("payload__message", flat=True))


@pytest.mark.usefixtures("stand_in")
def test_a_failed_run_goes_on_from_its_checkpoint_and_numbers_its_attempts_on(
    make_run: MakeRun, user: User, broker: "Redis[bytes]"
) -> None:
    run = execute(make_run(fail="memory"))
    assert run.state == RunState.FAILED
    assert run.remedy["kind"] == "memory"
    assert run.error.startswith("Out of memory at batch")
    said = resume_run(run, user)
    assert said == f"{run} waits for a worker. It resumes at step 3."
    assert (run.state, run.error, run.hint, run.remedy, run.losses) == (RunState.QUEUED, "", "", {}, 0)
    assert broker.llen("gpu") == 1
    assert resume_run(run, user) == said
    assert broker.llen("gpu") == 1, "the second click changed nothing"
    behave(run)
    execute(run)
    assert (run.state, run.attempt) == (RunState.SUCCEEDED, 2)
    assert begins(run) == ["begins at step 0", "begins at step 3"]
    records = [(record.number, record.ending) for record in run.attempts.all()]
    assert records == [(1, Ending.FAILED), (2, Ending.SUCCEEDED)]


@pytest.mark.usefixtures("stand_in")
def test_a_lost_run_has_three_new_attempts(make_run: MakeRun, user: User) -> None:
    run = make_run(die=1, deaths=4)
    for _ in range(3):
        execute(run)
    assert (run.state, run.losses, run.remedy["kind"]) == (RunState.LOST, 3, "lost")
    resume_run(run, user)
    execute(run)
    assert (run.state, run.losses, run.attempt) == (RunState.QUEUED, 1, 4)
    execute(run)
    assert run.state == RunState.SUCCEEDED
    assert [record.ending for record in run.attempts.all()] == [Ending.LOST] * 4 + [Ending.SUCCEEDED]
    first = AttemptRecord.objects.get(run=run, number=1)
    assert first.reason == "its process was killed (SIGKILL)"
    assert first.worker
    assert first.ended_at is not None


@pytest.mark.usefixtures("stand_in")
def test_how_far_it_had_come_stays_while_it_starts_again(make_run: MakeRun, user: User) -> None:
    run = execute(make_run(fail="user"))
    before = run.progress["fraction"]
    resume_run(run, user)
    assert claim_run(run.pk) is not None
    run.refresh_from_db()
    assert run.progress == {"phase": "preparing", "fraction": before}


def learned(run: Run) -> dict[str, torch.Tensor]:
    return load_file(storage_root() / run.folder_key / "model" / "model.safetensors")


def test_an_extended_run_is_as_if_it_had_been_longer_from_the_start(version: Version, user: User, make_run: MakeRun) -> None:
    from engine.presets import get_preset

    settings = {"training.epochs": 2, "training.threads": 1, "method.dimensions": 16}
    short = execute(launch_run(version, user, get_preset("sasrec").spec(settings)))
    assert short.state == RunState.SUCCEEDED, short.error
    before = learned(short), short.test
    longer = extend_run(short, user, {"epochs": 4})
    assert extend_run(short, user, {"epochs": 4}) == longer, "a double click"
    straight = launch_run(version, user, get_preset("sasrec").spec({**settings, "training.epochs": 4}))
    for run in (longer, straight):
        assert execute(run).state == RunState.SUCCEEDED, run.error
    assert (longer.continues, longer.epochs) == (short, 4)
    assert (longer.test, longer.valid, longer.curve) == (straight.test, straight.valid, straight.curve)
    one, two = learned(longer), learned(straight)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert longer.events.filter(type="metric", payload__split="train").count() == 2
    short.refresh_from_db()
    after = learned(short), short.test
    assert after[1] == before[1]
    assert all(torch.equal(before[0][name], after[0][name]) for name in before[0])


def test_what_has_no_checkpoint_cannot_be_continued(version: Version, user: User, make_run: MakeRun) -> None:
    short = make_run({"training.epochs": 1}, preset="sasrec")
    Run.objects.filter(pk=short.pk).update(state=RunState.SUCCEEDED, epochs=1, trainable_parameters=7)
    short.refresh_from_db()
    longer = execute(extend_run(short, user, {"epochs": 2}))
    assert (longer.state, longer.error) == (RunState.FAILED, f"{short} keeps no checkpoint to go on from.")
