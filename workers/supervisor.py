"""The worker's side of an attempt: start a child process, watch over it, and settle what it left open."""

import contextlib
import logging
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from django.db import connection
from django.db.models.functions import Now

from webapp.datasets.models import Derived, Question, QuestionState, Version, VersionState
from webapp.quotas.measuring import measure_run, measure_version
from webapp.searches.models import SearchTrial
from webapp.storage import delete_folder, local_root
from workers.attempts import RunAttempt, VersionAttempt
from workers.crew import Order, work
from workers.database import DATABASE_DOWN, retrying
from workers.derivations import beat, claim, fail, give_back, lose
from workers.failures import (
    ANSWERING_TOOK_TOO_MUCH,
    MAKING_TOOK_TOO_MUCH,
    READING_TOOK_TOO_MUCH,
    describe_exit,
    is_storage_gone,
)
from workers.leash import STOPPED_EXIT
from workers.timings import Timings

_log = logging.getLogger(__name__)
SCRATCH = "scratch"
"""Folder of the local storage in which versions are prepared, so that they move into place in one step."""
BY_SERVICE = (-signal.SIGTERM, -signal.SIGINT, STOPPED_EXIT)
"""How a child ends that was told to, because its service stops."""


def supervise_run(attempt: RunAttempt, timings: Timings) -> None:
    """Execute a claimed run in a child process and return once the run has a true state again.

    A child that ends without a final state is a lost attempt, at once. A cancelled run whose child does not end within
    ``timings.cancel_grace`` is killed. The trials of a search share a process as long as all goes well.
    Raises django.db.OperationalError if the database stays away; the reaper settles then.
    """
    overdue = timedelta(seconds=timings.cancel_grace)
    search = retrying(SearchTrial.objects.filter(run=attempt.pk).values_list("search", flat=True).first, timings.silence)
    with scratch_folder() as scratch:
        code = work(
            Order("run", attempt.pk, str(scratch), attempt.number),
            timings,
            must_die=sure(lambda: attempt.rows().filter(cancel_requested_at__lt=Now() - overdue).exists()),
            keep=_of_search(search) if search else "",
        )
    if code in BY_SERVICE:
        retrying(attempt.give_back, timings.silence)
    else:
        retrying(lambda: attempt.lose(describe_exit(code)), timings.silence)
    _measure(measure_run, attempt.pk, timings)


def supervise_version(attempt: VersionAttempt, timings: Timings) -> None:
    """Read the upload of a claimed version in a child process and return once the version has a true state again.

    A child that was killed took too much memory or time. Nothing is left in the storage of a version that is not ready.
    Raises django.db.OperationalError if the database stays away; the reaper settles then.
    """
    key = f"versions/{uuid.uuid4()}"
    here = Version.objects.filter(pk=attempt.pk)
    upload = retrying(here.values_list("upload_key", flat=True).first, timings.silence)
    with scratch_folder() as scratch:
        code = work(Order("ingest", attempt.pk, str(scratch), attempt.number, key), timings, after(timings.ingest_wall))
    if code in BY_SERVICE:
        retrying(attempt.give_back, timings.silence)
    elif code < 0:
        retrying(lambda: attempt.fail(READING_TOOK_TOO_MUCH), timings.silence)
    else:
        retrying(attempt.lose, timings.silence)
    used = Version.objects.filter(storage_key=key, state=VersionState.READY)
    if not retrying(used.exists, timings.silence):
        delete_folder(key)
    _measure(measure_version, attempt.pk, timings)
    if upload and not retrying(here.exists, timings.silence):
        # Discarded meanwhile; the child may have made its folder anew.
        delete_folder(upload)


def _measure(measure: Callable[[int], None], pk: int, timings: Timings) -> None:
    """Note how much the row's files take. Its state is true already: where the storage is away, the hourly sweep measures."""
    try:
        retrying(lambda: measure(pk), timings.silence)
    except Exception as error:
        if not is_storage_gone(error):
            raise
        _log.warning("the storage does not answer, so nothing is measured for quotas: %s", error)


def supervise_derivation(derived: int, timings: Timings) -> None:
    """Make something of a version in a child process, if it is queued, and see to it that it has a true state.

    The child is killed where the row is gone or belongs to another attempt by now.
    """
    attempt = retrying(lambda: claim(derived), timings.silence)
    if attempt is None:
        _log.info("derived %d is not queued: nothing to do", derived)
        return
    key, late = f"exports/{uuid.uuid4()}", after(timings.ingest_wall)
    with scratch_folder() as scratch:
        order = Order("derive", derived, str(scratch), attempt, key)
        code = work(order, timings, sure(lambda: late() or not beat(derived, attempt)))
    if code in BY_SERVICE:
        retrying(lambda: give_back(derived, attempt), timings.silence)
    elif code < 0:
        retrying(lambda: fail(derived, attempt, MAKING_TOOK_TOO_MUCH), timings.silence)
    elif code:
        retrying(lambda: lose(derived, attempt), timings.silence)
    if not retrying(lambda: Derived.objects.filter(storage_key=key).exists(), timings.silence):
        delete_folder(key)


def supervise_question(question: int, timings: Timings) -> None:
    """Answer a question about a version in a child process, which stays warm for the next one about the same version.

    Where the service stops, the question stays asked, and the reaper asks again.
    """
    asked = Question.objects.filter(pk=question, state=QuestionState.ASKED)
    version = retrying(asked.values_list("version", flat=True).first, timings.silence)
    if version is None:
        _log.info("question %d is not asked: nothing to do", question)
        return
    with scratch_folder() as scratch:
        code = work(Order("question", question, str(scratch)), timings, after(timings.ingest_wall), keep=f"version {version}")
    if code and code not in BY_SERVICE:
        _log.warning("question %d was not answered: the child ended with %d", question, code)
        failure = ANSWERING_TOOK_TOO_MUCH
        values = {"state": QuestionState.FAILED, "error": failure.message, "hint": failure.hint, "answered_at": Now()}
        retrying(lambda: asked.update(**values), timings.silence)


def supervise_comparison(group: int, timings: Timings) -> None:
    """Compare the runs of a group in a child process.

    Nothing is settled if it fails: the page sees what was not compared, and asks again.
    """
    with scratch_folder() as scratch:
        code = work(Order("compare", group, str(scratch)), timings, after(timings.ingest_wall))
    if code:
        _log.warning("group %d was not compared: the child ended with %d", group, code)


def supervise_run_comparison(comparison: int, timings: Timings) -> None:
    """Compare a set of runs in a child process.

    Nothing is settled if it fails: the page sees that the question has no answer, and asks again.
    """
    with scratch_folder() as scratch:
        code = work(Order("compare-runs", comparison, str(scratch)), timings, after(timings.ingest_wall))
    if code:
        _log.warning("comparison %d was not made: the child ended with %d", comparison, code)


def supervise_search(search: int, timings: Timings) -> int:
    """Start what comes next in a search, in a child process; returns its exit code, negative for a signal."""
    with scratch_folder() as scratch:
        return work(Order("search", search, str(scratch)), timings, after(timings.ingest_wall), keep=_of_search(search))


def _of_search(search: int) -> str:
    return f"search {search}"


def after(seconds: float) -> Callable[[], bool]:
    """Asks whether ``seconds`` have passed from now on."""
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() > deadline


def sure(question: Callable[[], bool]) -> Callable[[], bool]:
    """``question``, with no for an answer where the database cannot be asked."""

    def ask() -> bool:
        try:
            return question()
        except DATABASE_DOWN as error:
            _log.warning("cannot look after the child: %s", str(error).strip())
            connection.close()
            return False

    return ask


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder for the time of one piece of work, on the disk of a local storage."""
    root = local_root()
    parent = None
    if root is not None:
        parent = root / SCRATCH
        parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="attempt-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
