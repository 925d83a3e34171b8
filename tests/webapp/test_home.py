import time

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.webapp.people import People, finish, make_run, make_version
from webapp.accounts.models import Membership
from webapp.datasets.models import Version


def test_visitor_is_sent_to_the_login(visitor: Client) -> None:
    response = visitor.get("/")
    assert response.status_code == 302
    assert response["Location"] == "/login?next=/"


def test_a_slash_at_the_end_leads_to_the_page(alice: Client) -> None:
    response = alice.get("/runs/?state=failed")
    assert (response.status_code, response["Location"]) == (302, "/runs?state=failed")
    assert alice.get("/nowhere/").status_code == 404


def test_without_data_it_says_what_to_do(alice: Client) -> None:
    assert "No dataset yet" in alice.get("/").content.decode()
    assert 'href="/datasets/new"' in alice.get("/").content.decode()


def test_a_viewer_is_not_offered_what_is_refused(bob: Client, version: Version) -> None:
    body = bob.get("/").content.decode()
    assert "No run yet" in body
    assert "/runs/new" not in body


def test_counts_and_lists(alice: Client, version: Version) -> None:
    make_run(version, "running", progress={"fraction": 0.614, "eta_seconds": 731, "phase": "training"})
    make_run(version, "failed", error="out of memory at batch 64")
    finish(make_run(version))
    body = alice.get("/").content.decode()
    for text in ("<b>1</b> running", "<b>1</b> failed", "61 %", "ETA 12 min 11 s", "out of memory at batch 64", ".0571"):
        assert text in body, text
    assert 'hx-trigger="every 3s"' in body


def test_refresh_stops_when_nothing_is_active(alice: Client, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(version, "running")
    assert alice.get("/", headers={"HX-Request": "true"}).status_code == 200
    finish(run)
    # What was made for whoever asked last is sent again for two seconds.
    assert alice.get("/", headers={"HX-Request": "true"}).status_code in (200, 286)
    now = time.time()
    monkeypatch.setattr("webapp.home.time.time", lambda: now + 2)
    response = alice.get("/", headers={"HX-Request": "true"})
    assert response.status_code == 286
    assert b"<html" not in response.content


def test_charlie_sees_nothing_of_it(charlie: Client, people: People) -> None:
    make_run(make_version(people, "Secret plans"), "failed", error="secret error")
    body = charlie.get("/").content.decode()
    assert "Secret plans" not in body
    assert "secret error" not in body
    assert "<b>0</b> failed" in body


def test_user_without_project_is_told_whom_to_ask(people: People) -> None:
    client = people.client("bob")
    Membership.objects.filter(user=people.bob).delete()
    assert "Ask an admin" in client.get("/").content.decode()
    assert client.get("/runs").status_code == 403


def test_every_page_says_what_darec_here_is_and_allows_no_foreign_script(alice: Client) -> None:
    response = alice.get("/")
    assert "re-implementation from the paper's abstract" in response.content.decode()
    assert "default-src 'self'" in response["Content-Security-Policy"]


def test_unknown_address_is_a_page_for_people_and_json_for_scripts(alice: Client) -> None:
    response = alice.get("/nope")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()
    answer = alice.get("/api/v1/nope")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"]


def test_our_own_fault_has_a_reference(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("webapp.home.overview", broken)
    alice.raise_request_exception = False
    response = alice.get("/")
    assert response.status_code == 500
    assert "reference <b>" in response.content.decode()
    assert "broken on purpose" not in response.content.decode()


def test_healthz_says_that_this_process_lives_and_nothing_else(
    visitor: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        response = visitor.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"web": "ok"})
    assert visitor.head("/healthz").status_code == 200, "balancers ask so"
