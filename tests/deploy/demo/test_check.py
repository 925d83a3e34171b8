"""CHECK=1 fails where something is wrong."""

import subprocess
import sys

import psutil
import pytest
from pytest_django.live_server_helper import LiveServer

from deploy.local.demo.check import check_pages, check_stopped
from deploy.local.errors import ServiceError
from deploy.local.ports import free_port
from tests.webapp.people import finish, make_people, make_run, make_version
from tests.webapp.searches.planting import finish_search, make_search, plant
from webapp.accounts.models import ApiToken
from webapp.experiments.models import Run, RunState
from webapp.searches.models import Search


@pytest.fixture
def address(live_server: LiveServer) -> str:
    return f"{live_server.url}/"


@pytest.fixture
def run(address: str) -> Run:
    return finish(make_run(make_version(make_people())))


@pytest.fixture
def search(run: Run) -> Search:
    search = make_search(run.version)
    plant(search, layers=3, trials=3)
    return finish_search(search)


def test_pages_and_rest_of_finished_work_answer(address: str, run: Run, search: Search) -> None:
    user = run.created_by
    assert user is not None
    checked = check_pages(address, user, "alice-secret-1", [run], search)
    assert checked == [f"{address}runs/{run.pk}", f"{address}api/v1/runs/{run.pk}", f"{address}searches/{search.pk}"]
    assert ApiToken.objects.get().revoked_at is not None


def test_a_wrong_password_is_noticed(address: str, run: Run, search: Search) -> None:
    assert run.created_by is not None
    with pytest.raises(ServiceError, match="does not accept"):
        check_pages(address, run.created_by, "guess", [run], search)


def test_a_run_without_success_is_noticed(address: str, run: Run, search: Search) -> None:
    Run.objects.filter(pk=run.pk).update(state=RunState.FAILED)
    assert run.created_by is not None
    with pytest.raises(ServiceError, match="does not say that the run succeeded"):
        check_pages(address, run.created_by, "alice-secret-1", [run], search)


def test_a_search_without_an_end_is_noticed(address: str, run: Run) -> None:
    assert run.created_by is not None
    with pytest.raises(ServiceError, match="does not show how search-1 ended"):
        check_pages(address, run.created_by, "alice-secret-1", [run], make_search(run.version))


def test_a_run_of_others_is_noticed(address: str, run: Run, search: Search) -> None:
    from django.contrib.auth.models import User

    with pytest.raises(ServiceError, match="HTTP 404"):
        check_pages(address, User.objects.get(username="charlie"), "charlie-secret-1", [run], search)


def test_a_process_that_is_left_is_noticed() -> None:
    nobody_serves = f"http://127.0.0.1:{free_port()}/"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as left:
        watched = [psutil.Process(left.pid)]
        with pytest.raises(ServiceError, match=f"Still running .*{left.pid}"):
            check_stopped(watched, nobody_serves)
        left.kill()
    check_stopped(watched, nobody_serves)


def test_an_address_that_is_still_served_is_noticed(address: str) -> None:
    with pytest.raises(ServiceError, match="still serves"):
        check_stopped([], address)
