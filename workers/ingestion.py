"""Making a version inside the child process, from an upload or from its parent, under limits of memory and time."""

import logging
import os
import resource
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.data.edits import Edits
from engine.errors import DataError
from engine.spec import FilterSpec
from webapp.datasets.models import Version, VersionState
from webapp.environment import envint
from webapp.storage import delete_folder, fetch_folder, local_root, publish_folder
from workers.attempts import VersionAttempt
from workers.database import DATABASE_DOWN, retrying
from workers.failures import READING_TOOK_TOO_MUCH, explain, is_out_of_memory
from workers.lifeline import Lifeline
from workers.timings import Timings

if TYPE_CHECKING:
    from engine.data.version import Version as PreparedVersion

_log = logging.getLogger(__name__)


def limit_resources() -> None:
    """Bind this process to INGEST_MEMORY_MB of private memory and INGEST_CPU_SECONDS (1800) of computing; 0 is no limit."""
    limit_memory()
    if seconds := envint("INGEST_CPU_SECONDS", 1800):
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def limit_memory() -> None:
    """Bind this process to INGEST_MEMORY_MB (4096) of private memory, 0 is no limit; it writes no core file.

    RLIMIT_DATA and not RLIMIT_AS: address space that is only reserved, as allocators do, costs nothing.
    """
    if amount := envint("INGEST_MEMORY_MB", 4096) * 1024 * 1024:
        resource.setrlimit(resource.RLIMIT_DATA, (amount, amount))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def ingest_version(attempt: VersionAttempt, scratch: Path, key: str, lifeline: Lifeline, timings: Timings) -> None:
    """Make the version, move it to storage folder ``key``, and write its profile and the final state.

    If the version does not end as ready, nothing is left behind in the storage.
    Raises django.db.OperationalError if the database goes away where it is needed.

    Args:
        scratch: an empty folder; on local storage, on the same disk.
    """
    version = retrying(lambda: Version.objects.get(pk=attempt.pk), timings.give_up)
    try:
        ending = read_upload(attempt, version, scratch, key)
    except DATABASE_DOWN:
        # No fault of the files: whoever supervises has it read again.
        raise
    except Exception as error:
        failure = READING_TOOK_TOO_MUCH if is_out_of_memory(error) else explain(error)
        ending = partial(attempt.fail, failure)
    lifeline.close()
    if not retrying(ending, timings.give_up):
        _log.warning("%s: the attempt had ended already", attempt)


def read_upload(attempt: VersionAttempt, version: Version, scratch: Path, key: str) -> "partial[bool]":
    """Make the version and move it to storage folder ``key``; returns what writes the final state. Raises as the engine does."""
    from engine.data.prepare import prepare
    from engine.data.profile import profile_version
    from workers.deriving import leakage_of
    from workers.outcome import ready
    from workers.rejected import write_rejected
    from workers.sources import read_source

    if not version.upload_key:
        prepared, report = _derive(version, scratch), None
    else:
        raw = read_source(version, scratch, attempt.note)
        filters = FilterSpec.model_validate(version.filters)
        prepared = prepare(raw, filters, scratch / "prepared", report=attempt.note)
        report = write_rejected(raw.rejected, scratch / "prepared")
    profile, leakage = profile_version(prepared), leakage_of(prepared)
    try:
        _move(scratch / "prepared", key)
    except BaseException:
        delete_folder(key)
        raise
    return partial(ready, attempt, prepared, key, profile, leakage, report)


def _derive(version: Version, scratch: Path) -> "PreparedVersion":
    from engine.data.editing import derive
    from engine.data.version import read_version

    if version.parent is None or version.parent.state != VersionState.READY:
        raise DataError("The version that this one was to be made from is gone.", "Make it from another version.")
    parent = read_version(fetch_folder(version.parent.storage_key, scratch))
    edits, filters = Edits.model_validate(version.edits), FilterSpec.model_validate(version.filters)
    return derive(parent, edits, filters, scratch / "prepared")


def _move(folder: Path, key: str) -> None:
    """Bring a finished folder to the storage; on a local disk in one step."""
    root = local_root()
    if root is None:
        publish_folder(folder, key)
        return
    target = root / key
    target.parent.mkdir(parents=True, exist_ok=True)
    os.rename(folder, target)
