"""``result.json`` of a run, whose SHA-256 stands in the state of the sealed folder of its model. Light to load."""

import hashlib
import json
from pathlib import Path

from engine.errors import CheckpointError

NAME = "result.json"
KEY = "result"
"""In ``model/state.json``; runs of earlier releases have none there, and are taken as they are."""


def hash_of_result(text: str) -> str:
    """SHA-256 of the file's content."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def read_result_text(run: Path) -> str:
    """The content of the file in the folder ``run``. Raises OSError, and CheckpointError if it is not what the run wrote."""
    text = (run / NAME).read_bytes()
    told = _told(run / "model" / "state.json")
    if told is not None and told != hashlib.sha256(text).hexdigest():
        raise CheckpointError(
            f"{run.name}/{NAME} was changed: its SHA-256 is not the one that its model's folder names.",
            "Restore the folder from a back-up, or start the run again from its spec.",
        )
    return text.decode("utf-8")


def _told(state: Path) -> str | None:
    try:
        found = json.loads(state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{state.parent.name}/{state.name} cannot be read ({error}).", "Start the run again from its spec."
        ) from error
    told = found.get(KEY) if isinstance(found, dict) else None
    return told if told is None else str(told)
