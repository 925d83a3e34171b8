import logging
import os

import pytest
from django.db import connection
from django.utils import timezone

from tests.workers.waiting import wait_until
from webapp.fleet.models import Job, WorkerNode
from workers.presence.node import Node
from workers.presence.reporting import Presence


@pytest.fixture
def presence(database: None) -> Presence:
    return Presence(Node(celery_name="gpu@here", queues=("io", "gpu"), concurrency=2), 0.05)


def test_a_process_reports_itself(presence: Presence) -> None:
    assert presence.report()
    row = WorkerNode.objects.get()
    assert (row.name, row.celery_name, row.queues, row.concurrency) == (presence.node.name, "gpu@here", ["gpu", "io"], 2)
    assert row.pid == os.getpid()
    assert row.devices["memory"] >= row.sample["memory_free"] > 0
    assert row.software
    before = row.heartbeat_at
    presence.stopping = True
    assert presence.report()
    row.refresh_from_db()
    assert row.heartbeat_at > before
    assert row.stopping


def test_another_process_of_the_same_number_begins_anew(presence: Presence) -> None:
    presence.report()
    WorkerNode.objects.update(queues=["old"], stopping=True)
    assert Presence(presence.node, 1).report()
    row = WorkerNode.objects.get()
    assert (row.queues, row.stopping) == (["gpu", "io"], False)


def test_it_goes_away_as_it_should(presence: Presence) -> None:
    presence.start()
    wait_until(WorkerNode.objects.exists)
    presence.stop()
    assert not WorkerNode.objects.exists()


def test_the_job_of_a_dead_child_is_taken_away(presence: Presence) -> None:
    presence.report()
    node = WorkerNode.objects.get()
    for pid in (os.getpid(), 2**22 + 1):
        Job.objects.create(node=node, pid=pid, kind="run", row=1, started_at=timezone.now())
    presence.report()
    assert [job.pid for job in Job.objects.all()] == [os.getpid()]
    node.refresh_from_db()
    assert node.sample["jobs"][str(os.getpid())]["memory"] == 0


def test_an_outage_is_said_once_and_then_it_goes_on(
    presence: Presence, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="workers.presence.reporting")
    presence.report()
    before = WorkerNode.objects.get().heartbeat_at
    connection.close()
    with monkeypatch.context() as patch:
        # Nothing listens there.
        patch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        patch.setitem(connection.settings_dict, "PORT", "1")
        assert not presence.report()
        assert not presence.report()
    assert presence.report()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert WorkerNode.objects.get().heartbeat_at > before


def test_a_row_that_was_swept_comes_back(presence: Presence) -> None:
    presence.report()
    WorkerNode.objects.all().delete()
    assert presence.report()
    assert WorkerNode.objects.get().name == presence.node.name
