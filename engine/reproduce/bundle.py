"""Writing and reading the bundle: a zip archive of a few small files, without data and without weights."""

import hashlib
import json
import zipfile
import zlib
from pathlib import Path

import numpy as np
import polars as pl

from engine.data.manifest import MANIFEST
from engine.data.version import Version
from engine.errors import DataError
from engine.reproduce.model import Bundle, Machine, Numbers
from engine.result import Result
from engine.spec import RunSpec

BUNDLE = "reproduce.zip"
"""Its name in a run's folder."""
_CONTENT, _SPEC, _READ_ME = "bundle.json", "spec.json", "README.md"
_LARGEST = 50_000_000
"""Bytes of the unpacked content that are read at most: a bundle may come from anybody."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_bundle(folder: Path, spec: RunSpec, version: Version, result: Result, machine: Machine) -> Path:
    """Write ``reproduce.zip`` into the run's ``folder``, beside its ranks. Equal runs give equal bytes but for ``seconds``."""
    bundle = Bundle(
        spec=spec.model_dump(mode="json"),
        seed=spec.training.seed,
        command=f"python -m engine fit --data VERSION --spec {_SPEC} --out RUN",
        manifest=version.manifest,
        machine=machine,
        numbers=numbers_of(folder, result),
        seconds=result.seconds,
        timed=spec.training.minutes is not None,
    )
    files = {
        _CONTENT: bundle.model_dump_json(indent=1),
        _SPEC: json.dumps(bundle.spec, indent=1),
        MANIFEST: version.manifest.model_dump_json(indent=1),
        _READ_ME: read_me(bundle),
    }
    path = folder / BUNDLE
    temporary = path.with_suffix(".writing")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text, zipfile.ZIP_DEFLATED)
    temporary.rename(path)
    return path


def read_bundle(path: Path) -> Bundle:
    """Read what ``write_bundle`` wrote; raises DataError for anything else."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(_CONTENT).file_size > _LARGEST:
                raise DataError(f"{path}: {_CONTENT} is too large for a bundle.", _HINT)
            return Bundle.model_validate_json(archive.read(_CONTENT))
    except (OSError, KeyError, zipfile.BadZipFile, zlib.error, ValueError, RuntimeError) as error:
        raise DataError(f"{path} is no bundle of a run, or it is damaged.", _HINT) from error


_HINT = f"Name the {BUNDLE} of a run's folder, or as it was downloaded from the run's files."


def numbers_of(folder: Path, result: Result) -> Numbers:
    """The numbers of a finished run, its ranks read from its ``folder``."""
    paths = {name: folder / f"ranks_{name}.parquet" for name in ("valid", "test")}
    ranks = {name: _hash_of(pl.read_parquet(path, glob=False)) for name, path in paths.items() if path.is_file()}
    return Numbers(protocol=result.protocol, valid=result.valid, test=result.test, ranks=ranks)


def ranks_hash(users: "np.typing.NDArray[np.int32]", ranks: "np.typing.NDArray[np.float64]") -> str:
    """SHA-256 over the users and their ranks, little-endian."""
    digest = hashlib.sha256(np.ascontiguousarray(users, "<i4").tobytes())
    digest.update(np.ascontiguousarray(ranks, "<f8").tobytes())
    return digest.hexdigest()


def _hash_of(frame: pl.DataFrame) -> str:
    return ranks_hash(frame["user"].to_numpy(), frame["rank"].to_numpy())


def read_me(bundle: Bundle) -> str:
    """What people read who unpack it."""
    values = bundle.numbers.test or bundle.numbers.valid
    figures = "\n".join(f"- {name}: {value:.6f}" for name, value in sorted(values.items()))
    packages = ", ".join(f"{name} {number}" for name, number in bundle.machine.packages.items())
    protocol = bundle.numbers.protocol
    ranked = "the full catalogue" if protocol.candidates == "full" else "imported candidates"
    return f"""# A run to reproduce

Whether its numbers come out again (`DATA`: the raw files or the version that the run was trained on):

    python -m engine reproduce {BUNDLE} --data DATA

Training it by hand: `{bundle.command}`

- data: {bundle.manifest.hash} ({bundle.manifest.counts.interactions:,} interactions)
- seed: {bundle.seed}
- machine: {bundle.machine.kind}; {bundle.machine.processor}; {bundle.machine.system}; it took {bundle.seconds:g} s
- packages: {packages}
- protocol: {protocol.split} (hash {protocol.split_hash[:12]}), {ranked},
  {protocol.catalogue:,} items, seen items: {protocol.seen}, ties: {protocol.ties}

{"Test" if bundle.numbers.test else "Validation"}, means over users:

{figures}
"""
