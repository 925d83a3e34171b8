import time

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from tests.webapp.people import form_of, make_run
from webapp import broker
from webapp.datasets.models import Version
from webapp.experiments.models import Run


def test_a_living_broker_takes_the_message(db: None) -> None:
    assert broker.answers()
    assert broker.ask_or_wait(broker.EXECUTE_TASK, 0)


@pytest.mark.usefixtures("dead_broker")
def test_a_dead_broker_is_noticed_within_a_second() -> None:
    begin = time.monotonic()
    assert not broker.answers()
    assert not broker.ask_or_wait(broker.EXECUTE_TASK, 0)
    assert time.monotonic() - begin < 1


@pytest.mark.usefixtures("dead_broker")
def test_a_run_is_queued_though_the_broker_is_dead(
    alice: Client, version: Version, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = alice.post("/runs/new", {"version": version.pk, **form_of("popularity")}, follow=True)
    assert "the queue does not answer right now" in response.content.decode()
    assert Run.objects.get().state == "queued"


def test_rows_are_named_by_their_key_only(version: Version) -> None:
    assert broker.ask_or_wait(broker.EXECUTE_TASK, make_run(version).pk)
