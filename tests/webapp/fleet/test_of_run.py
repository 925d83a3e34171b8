from datetime import timedelta

from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.webapp.fleet.machines import give_job, make_node
from tests.webapp.people import finish, make_run
from webapp.datasets.models import Version
from webapp.experiments.models import Run
from webapp.fleet.of_run import waiting_words, worker_of


def words(run: Run) -> str:
    return waiting_words(run, frozenset({run.project_id}))


def test_the_place_in_the_queue_and_the_reason(version: Version) -> None:
    now = timezone.now()
    first, second, third = (make_run(version, queued_at=now + timedelta(seconds=number)) for number in range(3))
    assert words(first) == "it is the next one; no worker listens to gpu: nothing of it begins"
    assert words(third).startswith("2 runs before it; ")
    node = make_node()
    assert words(first) == "it is the next one; a worker is free and takes it in a moment"
    assert words(second) == "1 run before it; 1 of the workers of gpu are free"
    give_job(node, first)
    assert words(second).startswith(f"it is the next one; the only worker is busy: {first} for ")
    assert words(first) == ""


def test_the_worker_of_a_run(version: Version) -> None:
    run, node = make_run(version), make_node()
    assert worker_of(run) is None
    job = give_job(node, run)
    shown = worker_of(run)
    assert shown is not None
    assert shown["usage"] == {"cpu": "150 %", "memory": "3.0 GB", "gpu_memory": "70.0 GB"}
    # A job that an earlier attempt left behind is not this one's.
    job.attempt = 0
    job.save()
    assert worker_of(run) is None


def test_a_queued_run_says_why_it_waits(
    alice: Client, version: Version, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    run = make_run(version)
    # The first request enters the project.
    alice.get(f"/runs/{run.pk}")
    with django_assert_max_num_queries(10):
        body = alice.get(f"/runs/{run.pk}", headers={"HX-Request": "true"}).content.decode()
    assert "it is the next one; no worker listens to gpu" in body


def test_a_running_run_shows_its_machine(alice: Client, version: Version) -> None:
    run = make_run(version)
    give_job(make_node(), run)
    body = alice.get(f"/runs/{run.pk}").content.decode()
    for text in ("gpu-1@host", "<b>150 %</b>", "3.0 GB", "NVIDIA H100: <b>97 %</b>", "measured"):
        assert text in body, text
    finish(run)
    assert "worker-of-run" not in alice.get(f"/runs/{run.pk}").content.decode()
