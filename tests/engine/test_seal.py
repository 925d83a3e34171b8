"""Folders that were tampered with are refused, in words, before anything in them is read; pickles are never loaded."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.data.generated import generate
from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.specs import FilterSpec
from engine.data.version import Version
from engine.errors import CheckpointError, RunCancelled, UserError
from engine.events import CheckpointEvent
from engine.presets import get_preset
from engine.recommend import Recommender
from engine.refit import refit
from engine.reproduce.bundle import read_bundle
from engine.result_file import read_result_text
from engine.run import run
from engine.seal import MARKER, read_sealed, require_unchanged, write_sealed
from engine.training.checkpoint import write_folder

SETTINGS = {"training.epochs": 2, "method.dimensions": 8, "training.threads": 1, "training.device": "cpu"}
Change = Callable[[Path], None]


class Evil:
    """Unpickled, it would say so."""

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return pytest.fail, ("a pickle was loaded",)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def edit(folder: Path) -> None:
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps({**state, "step": 10**6}))


def add_pickle(folder: Path) -> None:
    (folder / "model.bin").write_bytes(pickle.dumps(Evil()))


def swap(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").write_bytes(pickle.dumps(Evil()))


CHANGES = {
    "flip": lambda folder: flip(folder / "model.safetensors"),
    "edit": edit,
    "pickle": add_pickle,
    "swap": swap,
    "missing": lambda folder: (folder / "model.safetensors").unlink(),
    "marker": lambda folder: (folder / MARKER).write_text("{}"),
    "deep marker": lambda folder: (folder / MARKER).write_text("[" * 5000),
    "dead link": lambda folder: (folder / "extra").symlink_to("/nowhere"),
}
changes = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Version:
    raw = tmp_path_factory.mktemp("raw")
    generate(raw, users=40, items=40, seed=1)
    return prepare(read_raw(raw), FilterSpec(core=2), tmp_path_factory.mktemp("data") / "version")


@pytest.fixture(scope="module")
def finished(version: Version, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    run(get_preset("sasrec").spec(SETTINGS), version, folder, lambda event: None)
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


@changes
def test_a_folder_that_was_changed_is_refused(change: Change, tmp_path: Path) -> None:
    write_folder(tmp_path / "model", {"model": {"w": torch.ones(2)}}, {"step": 1})
    require_unchanged(tmp_path / "model")
    change(tmp_path / "model")
    with pytest.raises(CheckpointError) as caught:
        require_unchanged(tmp_path / "model")
    assert caught.value.hint


def test_a_folder_of_an_earlier_release_is_taken_as_it_is(tmp_path: Path) -> None:
    write_folder(tmp_path / "model", {"model": {"w": torch.ones(2)}}, {"step": 1})
    add_pickle(tmp_path / "model")
    (tmp_path / "model" / MARKER).write_text("")
    with pytest.raises(CheckpointError, match="COMPLETE was emptied"):
        require_unchanged(tmp_path / "model")
    (tmp_path / "model" / "state.json").write_text('{"step": 1}')
    require_unchanged(tmp_path / "model")


def test_a_result_is_the_one_that_the_models_folder_names(copy: Path) -> None:
    assert read_result_text(copy) == (copy / "result.json").read_text(encoding="utf-8")
    flip(copy / "result.json")
    with pytest.raises(CheckpointError, match=r"result\.json was changed"):
        read_result_text(copy)
    (copy / "model" / "state.json").write_text("[" * 100_000)
    with pytest.raises(CheckpointError, match=r"state\.json cannot be read"):
        read_result_text(copy)


@changes
def test_a_model_that_was_changed_answers_nothing(change: Change, copy: Path, version: Version) -> None:
    Recommender.open(copy, version, "cpu")
    change(copy / "model")
    with pytest.raises(CheckpointError):
        Recommender.open(copy, version, "cpu")
    with pytest.raises(CheckpointError):
        refit(copy, version, copy.parent / "refit", lambda event: None, name="run-1")


def test_a_model_under_another_spec_answers_nothing(copy: Path, version: Version) -> None:
    claim = json.loads((copy / "run.json").read_text())
    claim["spec"]["training"]["seed"] = 7
    (copy / "run.json").write_text(json.dumps(claim))
    with pytest.raises(CheckpointError, match=r"run\.json was changed"):
        Recommender.open(copy, version, "cpu")


@changes
def test_a_training_does_not_go_on_from_a_checkpoint_that_was_changed(change: Change, version: Version, tmp_path: Path) -> None:
    spec, folder = get_preset("sasrec").spec({**SETTINGS, "training.epochs": 4}), tmp_path / "run"
    seen: list[object] = []
    with pytest.raises(RunCancelled):
        run(spec, version, folder, seen.append, should_stop=lambda: any(isinstance(one, CheckpointEvent) for one in seen))
    change(sorted((folder / "checkpoints").glob("step-*"))[-1])
    with pytest.raises(CheckpointError):
        run(spec, version, folder, lambda event: None)


def test_a_bundle_that_was_changed_is_refused(copy: Path) -> None:
    path = copy / "reproduce.zip"
    whole = path.read_bytes()
    read_bundle(path)
    for place in range(60, len(whole) // 2, len(whole) // 40):
        data = bytearray(whole)
        data[place] ^= 0x55
        path.write_bytes(data)
        try:
            bundle = read_bundle(path)
        except UserError as error:
            assert "no bundle of a run, or it is damaged" in error.message  # noqa: PT017 - most places, not all, are read
        else:
            path.write_bytes(whole)
            assert bundle == read_bundle(path), "what was changed is not read"


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 5000, '{"a": 2, "sha256": "00"}', '{"b": 1, "sha256": null'])
def test_sealed_json_that_was_changed_is_refused(text: str, tmp_path: Path) -> None:
    write_sealed(tmp_path / "search.json", {"a": 1, "title": "\u202e\x1b[31m"})
    assert read_sealed(tmp_path / "search.json")["a"] == 1
    (tmp_path / "search.json").write_text(text)
    with pytest.raises(UserError):
        read_sealed(tmp_path / "search.json")
