"""What stands in a study's folder: which runs are finished, begun, or not there. No torch here."""

import json
from pathlib import Path
from typing import Any

from engine.errors import CheckpointError, UserError
from engine.result import Result
from engine.result_file import read_result_text
from engine.spec import RunSpec, override, parse_spec
from engine.study.variant import StudyRun


def finished(folder: Path) -> bool:
    """Whether the run in ``folder`` came to its end."""
    return (folder / "result.json").is_file()


def read_result(folder: Path) -> Result:
    """The result of the finished run in ``folder``; raises UserError if it is damaged."""
    path = folder / "result.json"
    try:
        return Result.model_validate_json(read_result_text(folder))
    except (OSError, ValueError, CheckpointError) as error:
        raise UserError(
            f"{path}: cannot be read as a result ({error}).", f"Remove {folder}, and start the study again."
        ) from error


def settled_spec(run: StudyRun, folder: Path, version: str, threads: int | None) -> RunSpec:
    """The spec to train with: ``run``'s, on ``threads`` threads unless None.

    A run that was begun keeps its own number of threads, for the last bits depend on it.

    Raises:
        UserError: ``folder`` holds another run than ``run`` on the version of that hash.
    """
    wanted = run.spec if threads is None else _on_threads(run.spec, threads)
    path = folder / "run.json"
    if not path.is_file():
        return wanted
    begun: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    own = parse_spec(begun["spec"])
    if begun["version"] != version or _on_threads(own, 0) != _on_threads(wanted, 0):
        raise UserError(f"{folder} holds another run (other spec or version).", "Choose a fresh folder for --out.")
    return own


def _on_threads(spec: RunSpec, threads: int) -> RunSpec:
    return parse_spec(override(spec.model_dump(mode="json"), {"training.threads": threads}))
