"""The worker's side of an attempt: start a child process, watch over it, and settle what it left open."""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from django.db import connection
from django.db.models.functions import Now

from webapp.datasets.models import Version, VersionState
from webapp.storage import delete_folder, local_root
from workers.attempts import Attempt, RunAttempt, VersionAttempt
from workers.database import DATABASE_DOWN, retrying
from workers.failures import READING_TOOK_TOO_MUCH, describe_exit
from workers.leash import STOPPED_EXIT
from workers.timings import Timings

_log = logging.getLogger(__name__)
CHILD = (sys.executable, "-m", "workers.child")
SCRATCH = "scratch"
"""Folder of the local storage in which versions are prepared, so that they move into place in one step."""
BY_SERVICE = (-signal.SIGTERM, -signal.SIGINT, STOPPED_EXIT)
"""How a child ends that was told to, because its service stops."""


def supervise_run(attempt: RunAttempt, timings: Timings) -> None:
    """Execute a claimed run in a child process and return once the run has a true state again.

    A child that ends without a final state is a lost attempt, at once. A cancelled run whose child does not end within
    ``timings.cancel_grace`` is killed. Raises django.db.OperationalError if the database stays away; the reaper settles then.
    """
    overdue = timedelta(seconds=timings.cancel_grace)
    with _scratch() as scratch:
        code = _run_child(
            [*CHILD, "run", *_arguments(attempt, scratch)],
            timings,
            must_die=lambda: attempt.rows().filter(cancel_requested_at__lt=Now() - overdue).exists(),
        )
    if code in BY_SERVICE:
        retrying(attempt.give_back, timings.silence)
    else:
        retrying(lambda: attempt.lose(describe_exit(code)), timings.silence)


def supervise_version(attempt: VersionAttempt, timings: Timings) -> None:
    """Read the upload of a claimed version in a child process and return once the version has a true state again.

    A child that was killed took too much memory or time. Nothing is left in the storage of a version that is not ready.
    Raises django.db.OperationalError if the database stays away; the reaper settles then.
    """
    key = f"versions/{uuid.uuid4()}"
    deadline = time.monotonic() + timings.ingest_wall
    with _scratch() as scratch:
        code = _run_child(
            [*CHILD, "ingest", *_arguments(attempt, scratch), "--key", key],
            timings,
            must_die=lambda: time.monotonic() > deadline,
        )
    if code in BY_SERVICE:
        retrying(attempt.give_back, timings.silence)
    elif code < 0:
        retrying(lambda: attempt.fail(READING_TOOK_TOO_MUCH), timings.silence)
    else:
        retrying(attempt.lose, timings.silence)
    used = Version.objects.filter(storage_key=key, state=VersionState.READY)
    if not retrying(used.exists, timings.silence):
        delete_folder(key)


def supervise_comparison(group: int, timings: Timings) -> None:
    """Compare the runs of a group in a child process.

    Nothing is settled if it fails: the page sees what was not compared, and asks again.
    """
    code = _supervise("compare", group, timings)
    if code:
        _log.warning("group %d was not compared: the child ended with %d", group, code)


def supervise_search(search: int, timings: Timings) -> int:
    """Start what comes next in a search, in a child process; returns its exit code, negative for a signal."""
    return _supervise("search", search, timings)


def _supervise(kind: str, row: int, timings: Timings) -> int:
    deadline = time.monotonic() + timings.ingest_wall
    with _scratch() as scratch:
        arguments = ["--parent", str(os.getpid()), "--scratch", str(scratch)]
        return _run_child([*CHILD, kind, str(row), "0", *arguments], timings, must_die=lambda: time.monotonic() > deadline)


def _arguments(attempt: Attempt, scratch: Path) -> list[str]:
    return [str(attempt.pk), str(attempt.number), "--parent", str(os.getpid()), "--scratch", str(scratch)]


def _run_child(command: list[str], timings: Timings, must_die: Callable[[], bool]) -> int:
    """Run ``command`` as a process group of its own to its end; returns its exit code, negative for a signal."""
    child = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL)
    try:
        while True:
            try:
                return child.wait(timeout=timings.look)
            except subprocess.TimeoutExpired:
                if _asked(must_die):
                    _log.warning("process %d does not end, killing it", child.pid)
                    _kill_group(child.pid)
    finally:
        if child.poll() is None:
            # This process is told to end (its worker was killed): the child may still reach a checkpoint.
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timings.stop_grace + 1)
        # Whatever the child started must not outlive it.
        _kill_group(child.pid)
        child.wait()


def _asked(must_die: Callable[[], bool]) -> bool:
    try:
        return must_die()
    except DATABASE_DOWN as error:
        _log.warning("cannot look after the child: %s", str(error).strip())
        connection.close()
        return False


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
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
