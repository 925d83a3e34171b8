"""Try it, and one user: what is asked, what is shown while nobody answers, and what comes back."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from tests.webapp.people import HOSTILE, finish, make_run
from webapp import broker
from webapp.datasets.models import Version
from webapp.experiments.models import Run
from webapp.serving.asking import OPEN_AT_ONCE
from webapp.serving.models import Ask, AskKind, AskState

PART = {"HX-Request": "true"}
LINES = [{"id": "i1", "title": HOSTILE, "score": 1.25, "seen": True}, {"id": "i2", "title": "Two", "score": None, "seen": False}]


@pytest.fixture(autouse=True)
def _do_not_wait(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers here; that a message is sent is asked by the tests of the workers."""
    settings.SERVE_WAIT_SECONDS = 0.0
    monkeypatch.setattr(broker, "ask", lambda task, row: None)


@pytest.fixture
def run(version: Version) -> Run:
    return finish(make_run(version))


def answer(ask: Ask, **values: object) -> None:
    ask.state = AskState.ANSWERED
    known = {"history": [], "found": [], "recommended": LINES, "seen": "keep", "catalogue": 240, "opened": 0, "seconds": 0.012}
    ask.answer = {**known, **values}
    ask.save()


def words(body: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def test_picking_without_a_script(alice: Client, run: Run) -> None:
    """Search, add, remove: each is a post, a question and an address that holds the state."""
    response = alice.post(f"/runs/{run.pk}/try", {"q": "two", "k": "5"})
    ask = Ask.objects.get()
    assert response["Location"] == f"/runs/{run.pk}/try?k=5&q=two&ask={ask.pk}#try"
    assert (ask.kind, ask.question) == (AskKind.RECOMMEND, {"items": [], "k": 5, "query": "two"})
    answer(ask, found=[{"id": "i<2", "title": HOSTILE}], recommended=[])
    body = alice.get(response["Location"]).content.decode()
    assert 'name="add" value="i&lt;2"' in body
    assert "<script>alert" not in body
    response = alice.post(f"/runs/{run.pk}/try", {"q": "two", "k": "5", "item": ["i9"], "add": "i<2"})
    ask = Ask.objects.latest("pk")
    assert ask.question["items"] == ["i9", "i<2"]
    answer(ask, history=[{"id": "i9", "title": "Nine"}, {"id": "i<2", "title": "Two"}])
    body = alice.get(response["Location"]).content.decode()
    assert 'aria-label="Remove Nine"' in body
    text = words(body)
    assert "in the history" in text
    assert "1.25" in text
    assert "Answered in 12 ms" in text
    assert 'hx-trigger="load' not in body
    alice.post(f"/runs/{run.pk}/try", {"k": "5", "item": ["i9", "i<2"], "remove": "0"})
    assert Ask.objects.latest("pk").question["items"] == ["i<2"]


def test_a_part_is_swapped_and_the_address_kept(alice: Client, run: Run) -> None:
    response = alice.post(f"/runs/{run.pk}/try", {"q": "", "k": "10", "item": ["i1"]}, headers=PART)
    ask = Ask.objects.get()
    body = response.content.decode()
    assert response["HX-Replace-Url"] == f"/runs/{run.pk}/try?item=i1&k=10&ask={ask.pk}"
    assert "<html" not in body
    assert "Asked." in body
    assert f'hx-get="/runs/{run.pk}/try?item=i1&amp;k=10&amp;ask={ask.pk}"' in body
    answer(ask)
    assert 'hx-trigger="load' not in alice.get(response["HX-Replace-Url"], headers=PART).content.decode()


def test_titles_are_known_from_the_answer_before(alice: Client, bob: Client, run: Run) -> None:
    alice.post(f"/runs/{run.pk}/try", {"q": "two", "k": "5"}, headers=PART)
    ask = Ask.objects.get()
    answer(ask, found=[{"id": "i2", "title": "The two"}], recommended=[])
    sent = {"q": "two", "k": "5", "add": "i2", "ask": str(ask.pk)}
    body = alice.post(f"/runs/{run.pk}/try", sent, headers=PART).content.decode()
    assert 'aria-label="Remove The two"' in body
    assert 'aria-label="Remove i2"' in bob.post(f"/runs/{run.pk}/try", sent, headers=PART).content.decode()


def test_a_reader_hears_how_much_came(alice: Client, run: Run) -> None:
    alice.post(f"/runs/{run.pk}/try", {"q": "two", "k": "5", "item": ["i1"]}, headers=PART)
    ask = Ask.objects.get()
    answer(ask, found=LINES[:1])
    body = alice.get(f"/runs/{run.pk}/try?item=i1&q=two&ask={ask.pk}", headers=PART).content.decode()
    assert '<p id="said" hx-swap-oob="innerHTML">1 titles found. 2 items recommended.</p>' in body
    assert body.count('id="said"') == 1
    assert alice.get(f"/runs/{run.pk}/try?item=i1&q=two&ask={ask.pk}").content.decode().count('id="said"') == 1


def test_who_waits_is_told_why(alice: Client, run: Run) -> None:
    alice.post(f"/runs/{run.pk}/try", {"k": "10", "item": ["i1"]})
    ask = Ask.objects.get()
    address = f"/runs/{run.pk}/try?item=i1&ask={ask.pk}"
    Ask.objects.update(asked_at=timezone.now() - timedelta(seconds=6))
    assert "No worker has taken the question for 6 s. A worker on the queue serve must run" in alice.get(address).content.decode()
    Ask.objects.update(taken_at=timezone.now() - timedelta(seconds=3))
    assert "A worker loads the model, for 3 s" in alice.get(address).content.decode()
    Ask.objects.update(state=AskState.FAILED, error="There is no item 'i1'.", hint="Name <ids>.")
    assert "There is no item &#x27;i1&#x27;. Name &lt;ids&gt;." in alice.get(address).content.decode()


def test_a_newer_question_replaces_one_that_nobody_took(alice: Client, run: Run) -> None:
    alice.post(f"/runs/{run.pk}/try", {"k": "10", "q": "a"})
    first = Ask.objects.get()
    alice.post(f"/runs/{run.pk}/try", {"k": "10", "q": "ab", "ask": str(first.pk)})
    second = Ask.objects.get()
    assert second.question["query"] == "ab"
    Ask.objects.update(taken_at=timezone.now())
    alice.post(f"/runs/{run.pk}/try", {"k": "10", "q": "abc", "ask": str(second.pk)})
    assert Ask.objects.count() == 2


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"k": "0"}, "must be between 1 and 100"),
        ({"k": "ten"}, "must be a whole number"),
        ({"k": "\u00b2"}, "must be a whole number"),
        ({"k": "1", "q": "x" * 501}, "too long"),
        ({"k": "1", "item": ["i"] * 201}, "201 items are too many"),
        ({"k": "1", "q": "\x00"}, "NUL character"),
    ],
)
def test_what_cannot_be_asked_is_said(sent: dict[str, object], said: str, alice: Client, run: Run) -> None:
    response = alice.post(f"/runs/{run.pk}/try", {"item": ["i"], **sent})
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Ask.objects.exists()


def test_nothing_chosen_asks_nothing(alice: Client, run: Run) -> None:
    assert alice.post(f"/runs/{run.pk}/try", {"k": "10", "q": " "}).status_code == 302
    assert not Ask.objects.exists()


def test_one_person_cannot_flood_the_queue(alice: Client, run: Run) -> None:
    for number in range(OPEN_AT_ONCE):
        alice.post(f"/runs/{run.pk}/try", {"k": "10", "q": f"a{number}"})
    response = alice.post(f"/runs/{run.pk}/try", {"k": "10", "q": "one more"})
    assert response.status_code == 422
    assert "still wait for an answer" in response.content.decode()


def test_one_user(alice: Client, run: Run) -> None:
    response = alice.post(f"/runs/{run.pk}/user", {"user": " u<7> "})
    ask = Ask.objects.get()
    assert (ask.kind, ask.question) == (AskKind.USER, {"user": "u<7>", "k": 10})
    assert response["Location"] == f"/runs/{run.pk}/user?ask={ask.pk}"
    assert 'hx-trigger="load' in alice.get(response["Location"]).content.decode()
    target = {"id": "i2", "title": "Two"}
    answer(ask, user="u<7>", target=target, rank=1.5, history=[{"id": "i9", "title": HOSTILE}])
    body = alice.get(response["Location"], headers=PART).content.decode()
    assert "position 2.5 (tied) of 240" in body
    assert "<script>alert" not in body
    assert 'class="held"' in body
    answer(ask, user="u<7>", target=None, rank=None)
    assert "has no item in the test" in alice.get(response["Location"]).content.decode()
    assert alice.post(f"/runs/{run.pk}/user", {"user": " "}).status_code == 422


def test_a_run_without_a_model_cannot_be_asked(alice: Client, version: Version) -> None:
    run = make_run(version, "running")
    assert "can be tried once it has succeeded" in alice.get(f"/runs/{run.pk}/try").content.decode()
    response = alice.post(f"/runs/{run.pk}/try", {"k": "10", "q": "a"})
    assert response.status_code == 422
    assert not Ask.objects.exists()


def test_answers_are_for_who_asked(alice: Client, bob: Client, charlie: Client, run: Run) -> None:
    alice.post(f"/runs/{run.pk}/user", {"user": "u1"})
    ask = Ask.objects.get()
    answer(ask, user="secret", target=None, rank=None)
    assert bob.get(f"/runs/{run.pk}/user?ask={ask.pk}").status_code == 404
    for address in (f"/runs/{run.pk}/user?ask={ask.pk}", f"/runs/{run.pk}/try", f"/runs/{run.pk}/user"):
        assert charlie.get(address).status_code == 404
    assert charlie.post(f"/runs/{run.pk}/try", {"k": "1", "q": "a"}).status_code == 404
    assert bob.get(f"/runs/{run.pk}/try").status_code == 200
    assert bob.post(f"/runs/{run.pk}/try", {"k": "1", "q": "a"}).status_code == 302
    assert alice.get(f"/runs/{run.pk}/try?ask=abc").status_code == 200
    assert alice.get(f"/runs/{run.pk}/user?ask={'9' * 30}").status_code == 404


def test_few_queries(alice: Client, run: Run, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    alice.post(f"/runs/{run.pk}/try", {"k": "10", "item": ["i1"]})
    ask = Ask.objects.get()
    answer(ask)
    with django_assert_max_num_queries(10):
        alice.get(f"/runs/{run.pk}/try?item=i1&ask={ask.pk}")
