from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.webapp.fleet.machines import give_job, make_helpers, make_node
from tests.webapp.people import HOSTILE, People, make_run
from webapp.accounts.models import Membership
from webapp.datasets.models import Version
from webapp.fleet.queues import forget_lengths


@pytest.fixture(autouse=True)
def _fresh_lengths() -> None:
    forget_lengths()


def test_visitors_are_sent_to_the_login(visitor: Client) -> None:
    assert visitor.get("/workers")["Location"] == "/login?next=/workers"


def test_without_workers_it_says_what_to_start(alice: Client, version: Version) -> None:
    make_run(version)
    body = alice.get("/workers").content.decode()
    for text in (
        "No worker runs",
        "celery -A workers.app worker --queues gpu",
        "No worker listens to gpu",
        "1 run, the first for",
    ):
        assert text in body, text
    assert "python -m workers.reaper" in body
    assert 'hx-trigger="every 3s"' in body


def test_machines_and_what_they_do(alice: Client, version: Version) -> None:
    run = make_run(version)
    give_job(make_node(), run)
    make_node("old", heard=timezone.now() - timedelta(minutes=5))
    make_helpers()
    response = alice.get("/workers", headers={"HX-Request": "true"})
    body = response.content.decode()
    assert response.status_code == 200
    for text in (
        f'<a href="/runs/{run.pk}">{run}</a>',
        "gpu-1@host",
        "48.0 GB free of 64.0 GB",
        "NVIDIA H100, 97 % busy, 71.0 GB of 80.0 GB used, 9.0 GB free",
        "GPU memory 70.0 GB",
        "not heard for 5 min",
        "version 0.1.0",
        "reaper: finds what was lost",
    ):
        assert text in body, text
    assert "Not there" not in body


def test_things_of_other_projects_have_no_name(charlie: Client, version: Version) -> None:
    run = make_run(version)
    give_job(make_node(), run, title=f"run {HOSTILE}")
    body = charlie.get("/workers").content.decode()
    assert "a run of another project" in body
    assert f"/runs/{run.pk}" not in body
    assert "script" not in body.split("<main")[1]


def test_names_are_hostile_text(alice: Client, version: Version) -> None:
    give_job(make_node(HOSTILE), make_run(version), title=HOSTILE)
    assert HOSTILE not in alice.get("/workers").content.decode()


def test_who_is_in_no_project_may_look(people: People) -> None:
    Membership.objects.filter(user=people.bob).delete()
    assert people.client("bob").get("/workers").status_code == 200


@pytest.mark.usefixtures("dead_broker")
def test_a_broker_that_is_away_is_said(alice: Client, version: Version) -> None:
    make_node()
    make_run(version)
    body = alice.get("/workers").content.decode()
    assert 'id="broker-away"' in body
    assert "The broker does not answer: and no reaper runs" in body


def test_few_queries_however_many_workers(
    alice: Client, version: Version, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        give_job(make_node(f"gpu-{number}"), make_run(version), pid=number)
    with django_assert_max_num_queries(6):
        alice.get("/workers")
