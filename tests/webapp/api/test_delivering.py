"""The current model by REST: asked, answered, waited for, and refused in words."""

from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from tests.webapp.api.test_runs import get, post
from tests.webapp.delivering.test_refitting import finished_refit
from tests.webapp.people import HOSTILE, People, finish, make_run
from webapp import broker
from webapp.api import delivering
from webapp.datasets.models import Version
from webapp.delivering.promoting import promote_run
from webapp.experiments.models import Run
from webapp.serving.models import Ask, AskState

LINE = {"id": "i1", "title": HOSTILE, "score": 1.25, "seen": False}
ANSWER = {"history": [{"id": "i9", "title": "Nine"}], "found": [], "recommended": [LINE], "seen": "remove", "catalogue": 240}


@pytest.fixture(autouse=True)
def _nobody_answers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """That a message is sent, and answered, is asked by the tests of the workers."""
    settings.SERVE_WAIT_SECONDS = 0.0
    monkeypatch.setattr(broker, "ask", lambda task, row: None)


@pytest.fixture
def run(people: People, version: Version) -> Run:
    run = finish(make_run(version))
    promote_run(run, people.alice)
    return run


def address(version: Version, rest: str = "recommend") -> str:
    return f"/api/v1/datasets/{version.dataset_id}/{rest}"


def test_an_answer_that_takes_long_is_fetched_later(people: People, version: Version, run: Run) -> None:
    response = post(people.bob, address(version), {"history": ["i9"], "k": 3})
    assert response.status_code == 202
    body = response.json()
    assert (body["state"], body["recommended"], body["model"]["run"]) == ("asked", [], run.pk)
    ask = Ask.objects.get()
    assert (ask.question, ask.run, ask.asked_by) == ({"items": ["i9"], "k": 3, "query": ""}, run, people.bob)
    assert get(people.bob, body["url"]).status_code == 202
    Ask.objects.update(state=AskState.ANSWERED, answer=ANSWER)
    response = get(people.bob, body["url"])
    assert response.status_code == 200
    found = response.json()
    assert found["recommended"] == [{"rank": 1, **LINE}]
    assert (found["seen"], found["history"], found["model"]["protocol"]) == ("remove", ["i9"], run.protocol)
    assert found["model"]["metrics"]["ndcg@10"] == 0.0571
    # A question is its asker's alone.
    assert get(people.alice, body["url"]).status_code == 404
    assert get(people.charlie, body["url"]).status_code == 404


def test_it_answers_at_once_where_a_worker_does(
    people: People, version: Version, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is played: it answers while the request waits."""

    def wait(ask: Ask, seconds: float) -> bool:
        ask.state, ask.answer = AskState.ANSWERED, ANSWER
        return True

    monkeypatch.setattr(delivering, "wait_for_answer", wait)
    assert post(people.bob, address(version), {"user": "u7"}).status_code == 200
    assert Ask.objects.get().question["of_user"] == "u7"


def test_a_refit_names_the_run_whose_metrics_it_quotes(people: People, version: Version, run: Run) -> None:
    refit = finished_refit(run)
    promote_run(refit, people.alice)
    found = get(people.bob, address(version, "model")).json()
    assert (found["run"], found["refit_of"], found["metrics"]) == (refit.pk, run.pk, run.test)
    assert found["protocol"] == run.protocol


def test_without_a_current_model(people: People, version: Version) -> None:
    for response in (post(people.bob, address(version), {"history": ["a"]}), get(people.bob, address(version, "model"))):
        assert response.status_code == 409
        assert "has no current model" in response.json()["error"]["message"]
    assert post(people.charlie, address(version), {"history": ["a"]}).status_code == 404
    assert Client().post(address(version)).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"history": []}, {"history": ["a"], "user": "b"}, {"user": ""}, {"history": ["a"], "k": 0}),
        *({"history": ["a"] * 201}, {"history": ["a\x00"]}, {"user": "x" * 501}, {"user": "a\x00"}, {"user": "\ud800"}),
    ],
)
def test_wrong_questions_are_refused(people: People, version: Version, run: Run, body: dict[str, Any]) -> None:
    assert post(people.bob, address(version), body).status_code == 422
    assert not Ask.objects.exists()


def test_a_failed_question_says_why(people: People, version: Version, run: Run) -> None:
    url = post(people.bob, address(version), {"history": ["nope"]}).json()["url"]
    Ask.objects.update(state=AskState.FAILED, error="There is no item 'nope'.", hint="Name ids as in the file.")
    response = get(people.bob, url)
    assert response.status_code == 422
    assert response.json()["error"]["hint"] == "Name ids as in the file."
