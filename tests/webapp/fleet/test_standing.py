from datetime import timedelta

import pytest
from django.utils import timezone

from tests.webapp.fleet.machines import give_job, make_helpers, make_node
from tests.webapp.people import make_run
from webapp.broker import queue_names
from webapp.datasets.models import Version
from webapp.fleet.queues import Backlog, backlog
from webapp.fleet.standing import SILENT_AFTER, Reason, is_silent, read_fleet


def why(version: Version, rows: int, messages: int | None, seconds: float = 0) -> Reason:
    fleet = read_fleet(frozenset({version.dataset.project_id}), timezone.now() + timedelta(seconds=seconds))
    return fleet.why(Backlog("gpu", rows), messages)


def test_nobody_listens(version: Version) -> None:
    make_node(queues=("io",))
    found = why(version, 3, 3)
    assert found.kind == "warning"
    assert "No worker listens to gpu" in found.words
    assert found.start == "celery -A workers.app worker --queues gpu"
    assert why(version, 0, 0).kind == "idle"


def test_a_silent_or_stopping_worker_does_not_listen(version: Version) -> None:
    node = make_node()
    after = SILENT_AFTER.total_seconds()
    assert not is_silent(node, node.heartbeat_at + SILENT_AFTER)
    assert is_silent(node, node.heartbeat_at + SILENT_AFTER + timedelta(seconds=1))
    assert why(version, 1, 1, after - 5).kind == "fine"
    assert "No worker listens" in why(version, 1, 1, after + 5).words
    node.stopping = True
    node.save()
    assert "No worker listens" in why(version, 1, 1).words


def test_all_are_busy_and_with_what(version: Version) -> None:
    run, other = make_run(version), make_run(version)
    give_job(make_node(), run)
    give_job(make_node("gpu-2"), other, project=None)
    found = why(version, 1, 1, seconds=10)
    assert found.kind == "fine"
    assert found.words.startswith(f"All 2 workers are busy: {run} for 10 s, a run of another project for 10 s.")


def test_one_of_two_hands_is_free(version: Version) -> None:
    give_job(make_node(concurrency=2), make_run(version))
    assert why(version, 1, 1).words == "A free worker takes it at once."


@pytest.mark.parametrize(("reaper", "kind"), [(True, "fine"), (False, "warning")])
def test_a_lost_message_is_found_by_the_reaper(version: Version, reaper: bool, kind: str) -> None:
    make_node()
    if reaper:
        make_helpers()
    found = why(version, 1, 0)
    assert (found.kind, bool(found.start)) == (kind, not reaper)
    assert "The broker does not answer" in why(version, 1, None).words


def test_every_queue_of_the_broker_is_there_and_rows_are_counted(version: Version) -> None:
    make_run(version)
    make_run(version)
    make_run(version, "running")
    found = backlog()
    assert set(found) == set(queue_names())
    assert (found["gpu"].rows, found["gpu"].parts) == (2, ["2 runs"])
    assert found["gpu"].oldest is not None
    assert found["io"].rows == 0
