"""A real worker answers /readyz."""

import subprocess
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from webapp import readiness
from webapp.fleet.models import Echo
from workers.echoing import answer_echo

StartProcess = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(autouse=True)
def _looked_at_anew() -> Iterator[None]:
    readiness.forget()
    yield
    readiness.forget()


def test_an_echo_is_answered_once(database: None) -> None:
    echo = Echo.objects.create()
    answer_echo(echo.pk)
    echo.refresh_from_db()
    first = echo.answered_at
    assert first is not None
    answer_echo(echo.pk)
    echo.refresh_from_db()
    assert echo.answered_at == first
    answer_echo(4711)


@pytest.mark.services
def test_a_real_worker_answers(database: None, broker: object, start_worker: StartProcess, settings: Settings) -> None:
    # A worker takes a while to start on a busy machine; the page itself waits for 5 s.
    settings.READY_WAIT_SECONDS = 60.0
    start_worker("io", app="workers.app")
    response = Client().get("/readyz")
    assert response.status_code == 200, response.content
    assert response.json() == {"database": "ok", "broker": "ok", "worker": "ok"}
    assert not Echo.objects.exists()
