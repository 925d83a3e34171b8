"""Folders that know what was written into them: their marker of completeness holds the SHA-256 of each file.

A byte that was changed, a file that was swapped, taken away or put beside the others is noticed before anything is read. Who can
write the folder can write its marker too: this guards against damage and mix-ups, and file permissions against the rest.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from engine.durable import sync, write_whole
from engine.errors import CheckpointError, UserError

MARKER = "COMPLETE"
"""The name of the marker. Folders of earlier releases have an empty one, and are taken as they are ..."""
STATE, SEALED = "state.json", "sealed"
"""... unless their state says that they were sealed: then somebody has emptied it."""
_HINT = "Restore the folder from a back-up, or start the run again from its spec."
_SUM = "sha256"


def seal(folder: Path) -> None:
    """Write the marker of ``folder``: from then on it counts, and must stay as it is."""
    (folder / MARKER).write_text(json.dumps({_SUM: _hashes(folder)}, indent=1), encoding="utf-8")
    sync(folder / MARKER)


def require_unchanged(folder: Path) -> None:
    """Raise CheckpointError unless ``folder`` holds what it was sealed with: every file, no other one, and the same bytes."""
    written = _written(folder)
    if written is None:
        return
    found = _hashes(folder)
    name = f"{folder.parent.name}/{folder.name}"
    for file in sorted(written.keys() | found.keys()):
        if file not in found:
            raise CheckpointError(f"{name}: {file} is missing.", _HINT)
        if file not in written:
            raise CheckpointError(f"{name}: {file} was put there afterwards; nothing in the folder is read.", _HINT)
        if written[file] != found[file]:
            raise CheckpointError(
                f"{name}: {file} was changed or damaged: its SHA-256 is not the one it was written with.", _HINT
            )


def write_sealed(path: Path, value: dict[str, Any]) -> None:
    """Write JSON whole or not at all, with the SHA-256 of its values in it."""
    write_whole(path, json.dumps({**value, _SUM: _hash_of(value)}, indent=1))


def read_sealed(path: Path) -> dict[str, Any]:
    """What ``write_sealed`` wrote; raises UserError if it is damaged or was changed. One without a hash is
    of an earlier release."""
    where = f"{path.parent.name}/{path.name}"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        told = value.pop(_SUM, None)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{where} cannot be read ({error}).", "Restore it from a back-up, or choose a fresh folder.") from error
    if told is not None and told != _hash_of(value):
        raise UserError(f"{where} was changed: its SHA-256 is not the one it was written with.", "Restore it from a back-up.")
    return dict(value)


def hash_of_spec(spec: dict[str, Any]) -> str:
    """SHA-256 of a spec as JSON, whatever the order of its settings."""
    return _hash_of(spec)


def _written(folder: Path) -> dict[str, str] | None:
    try:
        text = (folder / MARKER).read_text(encoding="utf-8")
        if text:
            return dict(json.loads(text)[_SUM])
        emptied = _was_sealed(folder)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{folder.name}/{MARKER} cannot be read ({error}).", _HINT) from error
    if emptied:
        raise CheckpointError(f"{folder.parent.name}/{folder.name}: {MARKER} was emptied; nothing in the folder is read.", _HINT)
    return None


def _was_sealed(folder: Path) -> bool:
    """Whether the folder's own state says so; a state that is no JSON object is told by whoever reads it."""
    if not (folder / STATE).is_file():
        return False
    state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    return isinstance(state, dict) and SEALED in state


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if not path.is_dir() and path != folder / MARKER)
    return {path.relative_to(folder).as_posix(): _file_hash(path) for path in files}


def _file_hash(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:  # a link that leads nowhere
        raise CheckpointError(f"{path.parent.name}/{path.name} cannot be read ({error.strerror}).", _HINT) from error


def _hash_of(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()
