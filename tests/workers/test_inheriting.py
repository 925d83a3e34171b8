from pathlib import Path

import pytest

from engine.errors import UserError
from tests.workers.fixtures import Run, storage_root
from workers.inheriting import begin_from


@pytest.fixture
def parent(run: Run) -> Run:
    """A run with checkpoints and results."""
    folder = storage_root() / run.folder_key
    for name in (
        "checkpoints/end/COMPLETE",
        "checkpoints/step-000000003/state.json",
        "backbone/texts",
        "model/model.safetensors",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return run


def test_checkpoints_are_copied_and_results_are_not(parent: Run, tmp_path: Path) -> None:
    begin_from(parent, tmp_path, tmp_path)
    assert (tmp_path / "checkpoints/step-000000003/state.json").read_text() == "checkpoints/step-000000003/state.json"
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoints", "backbone"}
    (tmp_path / "checkpoints/end/COMPLETE").unlink()
    assert (storage_root() / parent.folder_key / "checkpoints/end/COMPLETE").exists()


def test_what_is_there_already_is_left_alone(parent: Run, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    begin_from(parent, tmp_path, tmp_path)
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_a_copy_that_was_cut_off_is_made_anew(parent: Run, tmp_path: Path) -> None:
    half = tmp_path / ".checkpoints.copying"
    half.mkdir()
    (half / "rubbish").touch()
    begin_from(parent, tmp_path, tmp_path)
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"end", "step-000000003"}


def test_no_checkpoint_is_said(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="keeps no checkpoint"):
        begin_from(run, tmp_path, tmp_path)
