"""A finished run measured once more, in this process: the command line itself is tested in test_main.py."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.commands.main import main
from engine.data.generated import generate
from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.version import Version
from engine.result import Result
from engine.spec import FilterSpec


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Version:
    """A generated version with candidate lists: for each user the first ten items of the catalogue."""
    folder = tmp_path_factory.mktemp("evaluate")
    generate(folder / "raw", users=60, items=40, seed=3)
    bare = prepare(read_raw(folder / "raw"), FilterSpec(core=0), folder / "bare")
    rows = [f"{user},{item}" for user in bare.users for item in bare.item_ids[:10]]
    (folder / "raw" / "candidates.csv").write_text("\n".join(["user_id,item_id", *rows]) + "\n", encoding="utf-8")
    return prepare(read_raw(folder / "raw"), FilterSpec(core=0), folder / "version")


def engine(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(list(arguments)) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


@pytest.mark.parametrize("kind", ["leave-one-out", "temporal", "user-ratio"])
@pytest.mark.parametrize("preset", ["popularity", "sasrec"])
def test_the_same_numbers_come_out(
    preset: str, kind: str, version: Version, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = [f"--set=split.kind={kind}", "--set=training.epochs=1", "--set=training.threads=1"]
    where = ["--data", str(version.path), "--out", str(tmp_path / "run")]
    fitted = engine(capsys, "fit", "--preset", preset, *where, *settings)
    again = engine(capsys, "evaluate", "--run", str(tmp_path / "run"))
    assert fitted["protocol"]["split"].startswith(kind)
    for name in ("protocol", "valid", "test", "users_evaluated", "method"):
        assert again[name] == fitted[name]
    result = Result.model_validate_json((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
    assert again["notices"] == [warning for warning in result.warnings if warning in again["notices"]]


def test_another_protocol_of_the_same_run(version: Version, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    full = engine(capsys, "fit", "--preset", "popularity", "--data", str(version.path), "--out", str(tmp_path / "run"))
    setting = "--set=evaluation.candidates=imported"
    few = engine(capsys, "evaluate", "--run", str(tmp_path / "run"), setting)
    assert (few["protocol"]["candidates"], full["protocol"]["candidates"]) == ("imported", "full")
    assert few["test"]["mrr@20"] > full["test"]["mrr@20"]
    assert few["valid"] == full["valid"]


@pytest.mark.parametrize("setting", ["split.kind=temporal", "training.epochs=3", "method.window=3"])
def test_what_was_trained_cannot_be_changed(setting: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--run", str(tmp_path), "--set", setting]) == 2
    told = capsys.readouterr().err
    assert "evaluate cannot change it" in told
    assert "evaluation.*" in told
    assert main(["evaluate", "--run", str(tmp_path)]) == 2
    assert "holds no finished run" in capsys.readouterr().err
