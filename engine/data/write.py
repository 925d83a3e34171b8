"""Write a version's folder so that it is either wholly there or not at all."""

import shutil
import uuid
from dataclasses import replace
from pathlib import Path

import polars as pl

from engine.data.manifest import MANIFEST, Manifest
from engine.data.version import (
    CANDIDATES,
    FILES,
    INTERACTIONS,
    ITEMS,
    SPLIT,
    USERS,
    Version,
    file_sha256,
    is_version,
    read_version,
)
from engine.durable import sync
from engine.errors import UserError


def write_version(version: Version) -> Version:
    """Write ``version`` to its path and return it with the hashes of its files in its manifest.

    If the folder holds the same version already, that one is returned.

    Raises:
        UserError: something else is there.
    """
    if existing := _existing(version):
        return existing
    folder = version.path
    partial = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:12]}.partial"
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}.", "Choose a folder that may be written to.") from error
    try:
        manifest = _write_files(version, partial)
        try:
            partial.rename(folder)
        except OSError:
            # Somebody else may have written the same version meanwhile.
            if existing := _existing(version):
                return existing
            raise
        sync(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return replace(version, manifest=manifest)


def _existing(version: Version) -> Version | None:
    folder = version.path
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    hint = "Choose another folder, or take this one away."
    if not is_version(folder):
        raise UserError(f"{folder} exists already and is no version.", hint)
    existing = read_version(folder)
    if existing.hash != version.hash:
        raise UserError(f"{folder} holds another version already ({existing.hash[:12]}).", hint)
    return existing


def _write_files(version: Version, folder: Path) -> Manifest:
    rows = {"user": version.user, "item": version.item, "timestamp": version.timestamp, "weight": version.weight}
    pl.DataFrame(rows).write_parquet(folder / INTERACTIONS)
    version.items.write_parquet(folder / ITEMS)
    users = pl.DataFrame({"id": version.users}, schema={"id": pl.String})
    users.select(index=pl.int_range(pl.len(), dtype=pl.Int32), id="id").write_parquet(folder / USERS)
    names = list(FILES)
    if version.part is not None:
        pl.DataFrame({"part": version.part}).write_parquet(folder / SPLIT)
        names.append(SPLIT)
    if version.candidates is not None:
        version.candidates.write_parquet(folder / CANDIDATES)
        names.append(CANDIDATES)
    manifest = version.manifest.model_copy(update={"files": {name: file_sha256(folder / name) for name in names}})
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    for name in (*names, MANIFEST):
        sync(folder / name)
    sync(folder)
    return manifest
