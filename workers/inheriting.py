"""Beginning a run that extends another from a copy of that one's checkpoints; the other's own files are left alone."""

import shutil
from pathlib import Path

from engine.errors import UserError
from webapp.experiments.models import Run
from webapp.storage import fetch_folder

CHECKPOINTS = "checkpoints"
_ALSO = ("backbone",)
"""Folders of a run that a method may need when it goes on, if they are there."""


def begin_from(parent: Run, workdir: Path, scratch: Path) -> None:
    """Put a copy of ``parent``'s checkpoints into ``workdir``, unless it has checkpoints; each folder whole or not at all.

    Args:
        scratch: for a copy of the parent's folder from an object store.

    Raises UserError if the parent has none.
    """
    if (workdir / CHECKPOINTS).exists():
        return
    source = fetch_folder(parent.folder_key, scratch)
    if not (source / CHECKPOINTS).is_dir():
        raise UserError(
            f"{parent} keeps no checkpoint to go on from.", "Clone it with the larger limits: it trains from the start."
        )
    # The checkpoints last: they say that everything is there.
    for name in (*_ALSO, CHECKPOINTS):
        if (source / name).is_dir() and not (workdir / name).exists():
            temporary = workdir / f".{name}.copying"
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.copytree(source / name, temporary)
            temporary.rename(workdir / name)
