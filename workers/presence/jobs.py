"""Saying what a child process of this worker has in hand, for the pages that show who does what."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now

from webapp import paths
from webapp.comparing.models import RunComparison
from webapp.datasets.models import HEAVY_OF_VERSION, Derived, Question, Version
from webapp.experiments.models import Run, RunGroup
from webapp.fleet.models import Job, JobKind, WorkerNode
from webapp.searches.models import Search
from workers.presence.node import Node, this_node

_log = logging.getLogger(__name__)
_TROUBLE = (DatabaseError, InterfaceError)


@contextlib.contextmanager
def announced(kind: str, row: int, attempt: int, pid: int) -> Iterator[None]:
    """While this lasts, child ``pid`` of this worker is shown to work on ``row``.

    Nothing depends on it: where the database is away, or this process is no worker's, the work is done without.
    """
    node = this_node()
    if node is None:
        yield
        return
    _quietly(lambda: _begin(node, kind, row, attempt, pid))
    try:
        yield
    finally:
        _quietly(lambda: Job.objects.filter(node__name=node.name, pid=pid).delete())


def _begin(node: Node, kind: str, row: int, attempt: int, pid: int) -> None:
    # The worker may have taken its first message before it has reported itself; it fills in the rest.
    now = {"host": node.host[:200], "pid": node.pid, "started_at": Now(), "heartbeat_at": Now()}
    owner, _ = WorkerNode.objects.get_or_create(name=node.name, defaults=now)
    values = {"kind": kind, "row": row, "attempt": attempt, "started_at": Now(), **_described(kind, row)}
    Job.objects.update_or_create(node=owner, pid=pid, defaults=values)


def _described(kind: str, row: int) -> dict[str, Any]:
    """Whose it is, what it is called, and its page."""
    known = {
        JobKind.RUN: _run,
        JobKind.INGEST: _version,
        JobKind.DERIVE: _derived,
        JobKind.QUESTION: _question,
        JobKind.COMPARE: _group,
        JobKind.COMPARE_RUNS: _comparison,
        JobKind.ASK: _ask,
        JobKind.LISTS: _lists,
        JobKind.SEARCH: _search,
    }
    found = known[JobKind(kind)](row) if kind in JobKind.values else None
    if found is None:
        return {"project_id": None, "title": "", "path": ""}
    project, title, path = found
    return {"project_id": project, "title": title[:200], "path": path}


_Found = tuple[int, str, str] | None


def _run(pk: int) -> _Found:
    run = Run.objects.only("project").filter(pk=pk).first()
    return (run.project_id, str(run), paths.run(pk)) if run else None


def _version(pk: int) -> _Found:
    version = Version.objects.select_related("dataset").only("number", "dataset__name", "dataset__project").filter(pk=pk).first()
    return _of_version(version, f"reading of {version}") if version else None


def _derived(pk: int) -> _Found:
    derived = Derived.objects.select_related("version__dataset").defer("result", *HEAVY_OF_VERSION).filter(pk=pk).first()
    return _of_version(derived.version, str(derived)) if derived else None


def _question(pk: int) -> _Found:
    question = Question.objects.select_related("version__dataset").defer("answer", *HEAVY_OF_VERSION).filter(pk=pk).first()
    return _of_version(question.version, str(question)) if question else None


def _of_version(version: Version, title: str) -> _Found:
    return version.dataset.project_id, title, paths.version(version.dataset_id, version.number)


def _group(pk: int) -> _Found:
    group = RunGroup.objects.filter(pk=pk).first()
    return (group.project_id, f"comparison of {group}", paths.group(pk)) if group else None


def _comparison(pk: int) -> _Found:
    """Runs of one project, as the page of comparisons sees to it."""
    found = RunComparison.objects.only("runs").filter(pk=pk).first()
    run = Run.objects.only("project").filter(pk__in=found.runs).first() if found else None
    return (run.project_id, f"comparison of {len(found.runs)} runs", paths.comparison(found.runs)) if found and run else None


def _ask(pk: int) -> _Found:
    run = Run.objects.only("project").filter(asks=pk).first()
    return (run.project_id, f"question to {run}", paths.run(run.pk)) if run else None


def _lists(pk: int) -> _Found:
    run = Run.objects.only("project").filter(user_lists=pk).first()
    return (run.project_id, f"recommendations of {run} for everyone", paths.lists(run.pk)) if run else None


def _search(pk: int) -> _Found:
    search = Search.objects.only("project", "number").filter(pk=pk).first()
    return (search.project_id, f"next trials of {search}", paths.search(pk)) if search else None


def _quietly(action: Any) -> None:
    try:
        action()
    except _TROUBLE as error:
        connection.close()
        _log.warning("cannot show what this worker does: %s", str(error).strip())
