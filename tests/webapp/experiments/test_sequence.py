"""What the model sees: asked for on the new-run page, answered by a worker, shown with colours and pictures."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.webapp.people import HOSTILE, People, form_of
from webapp.datasets.models import Question, Version
from webapp.experiments.small_mask import small_mask
from webapp.http import STOP_POLLING

HTMX = {"HX-Request": "true"}
ANSWER: dict[str, Any] = {
    "user": "u<1>",
    "history": 9,
    "items": [{"id": "a", "title": HOSTILE, "cut": 2}, {"id": "b", "title": "Beta", "cut": 0}],
    "target": {"id": "c", "title": f"Target {HOSTILE}", "cut": 0},
    "tokens": [
        {"text": "<s>", "kind": "start", "item": None},
        {"text": HOSTILE, "kind": "text", "item": 0},
        {"text": "◆", "kind": "marker", "item": 0},
        {"text": " Beta", "kind": "text", "item": 1},
        {"text": "◆", "kind": "marker", "item": 1},
    ],
    "hidden": 0,
    "masks": [
        {
            "title": "All layers",
            "sentence": "Each token sees all tokens before it.",
            "labels": ["<s>", HOSTILE, "◆", " Beta", "◆"],
            "items": [None, 0, 0, 1, 1],
            "rows": ["10000", "11100", "11100", "11111", "11111"],
            "hidden": 3,
        }
    ],
    "sentences": ["◆ is an item's marker."],
}


def ask(client: Client, version: Version, preset: str = "sasrec", htmx: bool = True, **changes: str) -> Any:
    fields = {"version": version.pk, **form_of(preset, **changes)}
    return client.post("/runs/new/sequence", fields, headers=HTMX if htmx else {})


@pytest.fixture
def question(alice: Client, version: Version) -> Question:
    ask(alice, version, method__window="7")
    return Question.objects.get()


def answer(question: Question) -> None:
    Question.objects.filter(pk=question.pk).update(state="answered", answer=ANSWER)


def test_a_worker_is_asked_with_the_settings_of_the_form(people: People, version: Version, question: Question) -> None:
    assert (question.kind, question.version, question.asked_by) == ("sequence", version, people.alice)
    assert question.settings["spec"]["method"]["window"] == 7
    assert question.settings["user"] == 0


def test_it_is_polled_until_it_is_there(alice: Client, question: Question) -> None:
    address = f"/runs/new/sequence/{question.pk}"
    waiting = alice.get(address, headers=HTMX)
    assert (waiting.status_code, "A worker reads the version" in waiting.content.decode()) == (200, True)
    assert 'hx-trigger="every 1s"' in alice.get(address).content.decode()
    answer(question)
    done = alice.get(address, headers=HTMX)
    body = done.content.decode()
    assert done.status_code == STOP_POLLING
    assert "2 of 9 items of the history are read, as 5 tokens: the last ones" in body
    assert "1 text is cut" in body
    assert "Each token sees all tokens before it." in body
    assert "the last 5 tokens; 3 come before" in body
    assert "<script>" not in body
    assert "u&lt;1&gt;" in body
    assert [body.count(f'class="piece item-{name}"') for name in ("none", "0", "1")] == [1, 1, 1]


def test_without_javascript_it_is_a_page(alice: Client, version: Version) -> None:
    response = ask(alice, version, htmx=False)
    question = Question.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/runs/new/sequence/{question.pk}")
    answer(question)
    body = alice.get(response["Location"]).content.decode()
    assert "<html" in body
    assert "hx-trigger" not in body.split('id="sequence"')[1].split(">")[0]


def test_the_next_user(alice: Client, question: Question) -> None:
    address = f"/runs/new/sequence/{question.pk}"
    part = alice.post(address, headers=HTMX).content.decode()
    other = Question.objects.exclude(pk=question.pk).get()
    assert f"/runs/new/sequence/{other.pk}" in part
    assert other.settings == {**question.settings, "user": 1}
    assert alice.post(address)["Location"] == f"/runs/new/sequence/{other.pk}"


def test_a_failure_says_what_to_do(alice: Client, question: Question) -> None:
    Question.objects.update(state="failed", error="minilm is not installed.", hint="Install it.")
    response = alice.get(f"/runs/new/sequence/{question.pk}", headers=HTMX)
    assert response.status_code == STOP_POLLING
    assert "minilm is not installed." in response.content.decode()
    assert "Install it." in response.content.decode()


def test_wrong_settings_ask_nobody(alice: Client, version: Version) -> None:
    assert "Correct what is marked first" in ask(alice, version, training__epochs="0").content.decode()
    assert ask(alice, version, htmx=False, training__epochs="0").status_code == 422
    Version.objects.update(state="deleted")
    assert "not ready" in ask(alice, version).content.decode()
    assert not Question.objects.exists()


def test_who_may_ask_and_look(
    bob: Client, charlie: Client, version: Version, question: Question, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    address = f"/runs/new/sequence/{question.pk}"
    assert ask(bob, version).status_code == 403
    assert bob.post(address).status_code == 403
    assert ask(charlie, version).status_code == 404
    assert charlie.get(address).status_code == charlie.post(address).status_code == 404
    with django_assert_max_num_queries(10):
        assert bob.get(address).status_code == 200
    Question.objects.update(kind="preview")
    assert bob.get(address).status_code == 404


def test_the_picture() -> None:
    picture = small_mask(ANSWER["masks"][0])
    edge, cell = picture["edge"], picture["cell"]
    assert picture["side"] == edge + 5 * cell
    assert [part["colour"] for part in picture["strip"]] == ["0", "1"]
    assert picture["borders"] == [edge + cell, edge + 3 * cell]
    assert picture["rows"][0]["bars"] == [{"x": edge, "width": cell, "kind": "other"}]
    assert picture["rows"][1]["bars"] == [
        {"x": edge, "width": cell, "kind": "other"},
        {"x": edge + cell, "width": 2 * cell, "kind": "own"},
    ]
    assert picture["rows"][4]["words"] == "Token 5, ◆: sees 5 of these 5"
