import os
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.utils import timezone

from tests.workers.fixtures import Run, Version
from webapp.comparing.models import RunComparison
from webapp.datasets.models import Derived, DerivedKind, Question, QuestionKind
from webapp.fleet.models import Job, JobKind, WorkerNode
from webapp.serving.models import Ask, AskKind
from workers.presence import node
from workers.presence.jobs import announced
from workers.presence.node import Node, introduce


@pytest.fixture
def here(database: None) -> Iterator[Node]:
    """This process is a worker's."""
    known = Node(celery_name="gpu@here", queues=("gpu",))
    introduce(known)
    yield known
    node._known.clear()


def test_a_run_is_in_hand_while_it_lasts(here: Node, make_run: Callable[..., Run]) -> None:
    run = make_run()
    with announced("run", run.pk, 3, os.getpid()):
        job = Job.objects.get()
        assert (job.node.name, job.kind, job.row, job.attempt) == (here.name, "run", run.pk, 3)
        assert (job.project_id, job.title, job.path) == (run.project_id, str(run), f"/runs/{run.pk}")
    assert not Job.objects.exists()
    # The node was not known yet; it fills in the rest of its row itself.
    assert WorkerNode.objects.get().queues == []


def test_what_is_done_for_a_version_leads_to_its_page(here: Node, version: Version) -> None:
    question = Question.objects.create(version=version, kind=QuestionKind.PROFILE)
    derived = Derived.objects.create(version=version, kind=DerivedKind.CSV, asked_at=version.created_at)
    path = f"/datasets/{version.dataset_id}/versions/{version.number}"
    for kind, row, words in (
        ("ingest", version.pk, "reading"),
        ("question", question.pk, "profile"),
        ("derive", derived.pk, "CSV"),
    ):
        with announced(kind, row, 0, 7):
            job = Job.objects.get()
            assert words in job.title
            assert str(version) in job.title
            assert job.path == path


def test_what_is_gone_or_of_an_unknown_kind_has_no_name(here: Node) -> None:
    for kind in (*JobKind.values, "teapot"):
        with announced(kind, 4711, 0, 7):
            job = Job.objects.get()
            assert (job.kind, job.title, job.project) == (kind, "", None)


def test_a_process_of_no_worker_says_nothing(database: None, run: Run) -> None:
    with announced("run", run.pk, 1, os.getpid()):
        assert not Job.objects.exists()


def test_without_a_database_the_work_is_done_all_the_same(here: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    done = []
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        patch.setitem(connection.settings_dict, "PORT", "1")
        with announced("run", 1, 1, 7):
            done.append(1)
    assert done == [1]


def test_questions_to_runs_and_comparisons_lead_to_their_pages(here: Node, make_run: Callable[..., Run]) -> None:
    first, second = make_run(), make_run()
    ask = Ask.objects.create(run=first, kind=AskKind.USER, question={})
    comparison = RunComparison.objects.create(key="k", metric="ndcg@10", runs=[first.pk, second.pk], asked_at=timezone.now())
    found = []
    for kind, row in (("ask", ask.pk), ("compare-runs", comparison.pk)):
        with announced(kind, row, 0, 7):
            job = Job.objects.get()
            found.append((job.project_id, job.title, job.path))
    assert found == [
        (first.project_id, f"question to {first}", f"/runs/{first.pk}"),
        (first.project_id, "comparison of 2 runs", f"/compare?runs={first.pk},{second.pk}"),
    ]
