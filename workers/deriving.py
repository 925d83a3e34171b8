"""Making something of a version inside a child process: archives, leakage reports, differences."""

import logging
from pathlib import Path
from typing import Any

from django.db import transaction

from engine.data.difference import difference
from engine.data.export import export_version
from engine.data.leakage import leakage_report
from engine.data.split import leave_one_out
from engine.data.version import Version as PreparedVersion
from engine.data.version import read_version
from engine.errors import DataError
from webapp.datasets.models import Derived, DerivedKind, DerivedState, Version
from webapp.datasets.uploads import plain_name
from webapp.storage import fetch_folder, publish_folder
from workers.database import DATABASE_DOWN
from workers.derivations import fail, held
from workers.failures import MAKING_TOOK_TOO_MUCH, explain, is_out_of_memory
from workers.text import storable

_NO_FOLDERS = str.maketrans("/\\", "--")
_log = logging.getLogger(__name__)


def derive(pk: int, attempt: int, scratch: Path, key: str) -> None:
    """Make what the row ``pk``, claimed by ``attempt``, asks for, and write its final state.

    Args:
        scratch: an empty folder.
        key: storage folder for an archive.
    """
    derived = held(pk, attempt).select_related("version__dataset", "other").first()
    if derived is None:
        _log.info("derived %d, attempt %d: gone, or somebody else's by now", pk, attempt)
        return
    try:
        columns = _made(derived, scratch, key)
    except DATABASE_DOWN:
        # No fault of the version: whoever supervises has it made again.
        raise
    except Exception as error:
        fail(pk, attempt, MAKING_TOOK_TOO_MUCH if is_out_of_memory(error) else explain(error))
        return
    with transaction.atomic():
        changed = held(pk, attempt).update(state=DerivedState.READY, **columns)
        if changed and derived.kind == DerivedKind.LEAKAGE:
            Version.objects.filter(pk=derived.version_id).update(leakage=columns["result"])


def leakage_of(version: PreparedVersion) -> dict[str, Any]:
    """The report on the default split as JSON; or ``problem``, in words, where that split cannot be made."""
    try:
        split = leave_one_out(version)
    except DataError as error:
        return {"problem": storable(str(error))}
    report: dict[str, Any] = storable(leakage_report(version, split).model_dump(mode="json"))
    return report


def _made(derived: Derived, scratch: Path, key: str) -> dict[str, Any]:
    version = _read(derived.version, scratch)
    if derived.kind == DerivedKind.LEAKAGE:
        return {"result": leakage_of(version)}
    if derived.kind == DerivedKind.DIFFERENCE:
        assert derived.other is not None  # noqa: S101 - a difference is asked for with both
        return {"result": storable(difference(version, _read(derived.other, scratch)).model_dump(mode="json"))}
    name = f"{derived.version.dataset.name}-v{derived.version.number}"
    (scratch / "archive").mkdir()
    archive = scratch / "archive" / "data.zip"
    lost = export_version(version, derived.kind, archive, name)  # type: ignore[arg-type]
    publish_folder(archive.parent, key)
    file_name = plain_name(f"{name}.{derived.kind}.zip".translate(_NO_FOLDERS))
    return {
        "storage_key": key,
        "file_name": file_name,
        "size": archive.stat().st_size,
        "result": {"lost": storable(list(lost))},
    }


def _read(version: Version, scratch: Path) -> PreparedVersion:
    return read_version(fetch_folder(version.storage_key, scratch))
