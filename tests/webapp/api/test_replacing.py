"""Back to the model before, and the same on newer data, by REST."""

import pytest

from tests.webapp.api.asking import ask, get, post, refused
from tests.webapp.delivering.test_refitting import finished_refit
from tests.webapp.people import HOSTILE, People, finish, make_run, make_version
from webapp.accounts.models import Scope
from webapp.accounts.tokens import issue_token
from webapp.datasets.models import Version
from webapp.delivering.models import Promotion, Refresh
from webapp.delivering.promoting import promote_run
from webapp.delivering.refreshing import refit_refreshed
from webapp.experiments.models import Run, RunState

LEAK = {"check": "counts-in-column", "severity": "serious", "title": f"views {HOSTILE}", "text": "", "column": "views"}


@pytest.fixture
def run(people: People, version: Version) -> Run:
    """The current model."""
    made = finish(make_run(version))
    promote_run(made, people.alice)
    return made


@pytest.fixture
def address(run: Run) -> str:
    """Of the dataset's model."""
    return f"/datasets/{run.version.dataset_id}/model"


def test_back_and_forth(people: People, run: Run, address: str) -> None:
    assert "had no other model" in refused(ask(people.alice, "post", f"{address}/return"), 422)
    better = finish(make_run(run.version))
    promote_run(better, people.alice)
    assert post(people.alice, f"{address}/return")["run"] == run.pk
    assert get(people.bob, address)["run"] == run.pk
    assert post(people.alice, f"{address}/return")["run"] == better.pk
    assert Promotion.objects.count() == 4


def test_sent_again_with_its_key_it_goes_back_once(people: People, run: Run, address: str) -> None:
    promote_run(finish(make_run(run.version)), people.alice)
    token = f"Bearer {issue_token(people.alice, 'curator', 1, Scope.CURATE)[1]}"
    known = {"Authorization": token, "Idempotency-Key": "k"}
    again = [ask(people.alice, "post", f"{address}/return", {}, **known) for _ in range(2)]
    assert [answer.json()["run"] for answer in again] == [run.pk, run.pk]
    assert Promotion.objects.count() == 3


def test_only_curators_go_back_with_a_token_that_may(people: People, run: Run, address: str) -> None:
    promote_run(finish(make_run(run.version)), people.alice)
    refused(ask(people.bob, "post", f"{address}/return"), 403)
    refused(ask(people.charlie, "post", f"{address}/return"), 404)
    token = issue_token(people.alice, "launcher", 1, Scope.LAUNCH)[1]
    refused(ask(people.alice, "post", f"{address}/return", Authorization=f"Bearer {token}"), 403)
    assert Promotion.objects.count() == 2


def test_the_same_is_trained_on_the_newer_version(people: People, run: Run, address: str) -> None:
    refused(ask(people.bob, "get", f"{address}/refresh"), 409)
    assert "no version that is newer" in refused(ask(people.alice, "post", f"{address}/refresh", {}), 422)
    newer = make_version(people)
    refused(ask(people.bob, "post", f"{address}/refresh", {}), 403)
    refused(ask(people.charlie, "post", f"{address}/refresh", {}), 404)
    made = post(people.alice, f"{address}/refresh", {}, 201)
    assert post(people.alice, f"{address}/refresh", {}, 201) == made == get(people.bob, f"{address}/refresh")
    refresh = Refresh.objects.get()
    assert refresh.run.version == newer
    assert (made["run"], made["candidate"], made["replaces"], made["version"]) == (refresh.run.pk, refresh.run.pk, run.pk, 2)
    assert (made["state"], made["done"], made["active"], made["refit"]) == ("queued", False, True, None)
    finish(refresh.run)
    ready = get(people.bob, f"{address}/refresh")
    assert (ready["state"], ready["done"], ready["active"]) == ("succeeded", True, False)
    assert post(people.alice, f"/runs/{ready['candidate']}/promote", {"note": ""})["run"] == refresh.run.pk
    refused(ask(people.bob, "get", f"{address}/refresh"), 409)


def test_a_refit_is_followed_by_a_refit(people: People, run: Run, address: str) -> None:
    promote_run(finished_refit(run), people.alice)
    make_version(people)
    made = post(people.alice, f"{address}/refresh", {}, 201)
    assert (made["with_refit"], made["refit"]) == (True, None)
    finish(Run.objects.get(pk=made["run"]))
    refit_refreshed(made["run"])
    then = get(people.alice, f"{address}/refresh")
    assert then["refit"] == then["candidate"] != made["run"]
    assert (then["done"], then["active"]) == (False, True)


def test_serious_leaks_are_acknowledged_and_a_failure_is_told(people: People, run: Run, address: str) -> None:
    newer = make_version(people)
    Version.objects.filter(pk=newer.pk).update(leakage={"findings": [LEAK], "clean": [], "users": 3})
    assert "serious leaks" in refused(ask(people.alice, "post", f"{address}/refresh", {}), 422)
    made = post(people.alice, f"{address}/refresh", {"acknowledge_leakage": True}, 201)
    Run.objects.filter(pk=made["run"]).update(state=RunState.FAILED, error=f"No {HOSTILE}.", hint="Send it again.")
    told = get(people.bob, f"{address}/refresh")
    assert (told["done"], told["active"], told["error"], told["hint"]) == (False, False, f"No {HOSTILE}.", "Send it again.")
    assert post(people.alice, f"{address}/refresh", {"acknowledge_leakage": True}, 201)["run"] != made["run"]
