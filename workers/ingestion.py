"""Reading an upload inside the child process, under limits of memory and time."""

import logging
import os
import resource
from functools import partial
from pathlib import Path

from engine.spec import FilterSpec
from webapp.datasets.models import Version
from webapp.environment import envint
from webapp.storage import delete_folder, local_root, publish_folder
from workers.attempts import VersionAttempt
from workers.database import retrying
from workers.failures import READING_TOOK_TOO_MUCH, explain, is_out_of_memory
from workers.lifeline import Lifeline
from workers.timings import Timings

_log = logging.getLogger(__name__)


def limit_resources() -> None:
    """Bind this process to INGEST_MEMORY_MB (4096) of private memory and INGEST_CPU_SECONDS (1800) of computing; 0 is no limit.

    RLIMIT_DATA and not RLIMIT_AS: address space that is only reserved, as allocators do, costs nothing.
    """
    for kind, amount in (
        (resource.RLIMIT_DATA, envint("INGEST_MEMORY_MB", 4096) * 1024 * 1024),
        (resource.RLIMIT_CPU, envint("INGEST_CPU_SECONDS", 1800)),
        (resource.RLIMIT_CORE, 0),
    ):
        if amount or kind == resource.RLIMIT_CORE:
            resource.setrlimit(kind, (amount, amount))


def ingest_version(attempt: VersionAttempt, scratch: Path, key: str, lifeline: Lifeline, timings: Timings) -> None:
    """Read the upload, prepare the version, move it to storage folder ``key`` and write the final state.

    If the version does not end as ready, nothing is left behind in the storage.

    Args:
        scratch: an empty folder; on local storage, on the same disk.
    """
    version = retrying(lambda: Version.objects.get(pk=attempt.pk), timings.give_up)
    try:
        ending = read_upload(attempt, version, scratch, key)
    except Exception as error:
        failure = READING_TOOK_TOO_MUCH if is_out_of_memory(error) else explain(error)
        ending = partial(attempt.fail, failure)
    lifeline.close()
    if not retrying(ending, timings.give_up):
        _log.warning("%s: the attempt had ended already", attempt)


def read_upload(attempt: VersionAttempt, version: Version, scratch: Path, key: str) -> "partial[bool]":
    """Read, prepare and move to storage folder ``key``; returns what writes the final state. Raises as the engine does."""
    from engine.data.prepare import prepare
    from workers.outcome import ready
    from workers.rejected import write_rejected
    from workers.sources import read_source

    raw = read_source(version, scratch, attempt.note)
    filters = FilterSpec.model_validate(version.filters)
    prepared = prepare(raw, filters, scratch / "prepared", report=attempt.note)
    report = write_rejected(raw.rejected, scratch / "prepared")
    try:
        _move(scratch / "prepared", key)
    except BaseException:
        delete_folder(key)
        raise
    return partial(ready, attempt, prepared, key, report)


def _move(folder: Path, key: str) -> None:
    """Bring a finished folder to the storage; on a local disk in one step."""
    root = local_root()
    if root is None:
        publish_folder(folder, key)
        return
    target = root / key
    target.parent.mkdir(parents=True, exist_ok=True)
    os.rename(folder, target)
