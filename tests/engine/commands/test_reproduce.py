"""Numbers that come out again, and numbers that do not: in words, in the last line, and as the exit code."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine.commands.main import main
from engine.data.generated import generate
from engine.reproduce.bundle import BUNDLE

SETTINGS = ("training.epochs=2", "training.threads=1")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A raw folder, its version and a run on it."""
    folder = tmp_path_factory.mktemp("reproduce")
    generate(folder / "raw", users=60, items=40, seed=3)
    assert main(["prepare", "--data", str(folder / "raw"), "--out", str(folder / "version"), "--set", "filters.core=2"]) == 0
    settings = [f"--set={text}" for text in (*SETTINGS, "filters.core=2", "method.dimensions=16")]
    where = ["--data", str(folder / "raw"), "--out", str(folder / "run")]
    assert main(["fit", "--preset", "sasrec", *where, *settings]) == 0
    return folder


def ask(capsys: pytest.CaptureFixture[str], code: int, *arguments: object) -> tuple[dict[str, Any], str]:
    capsys.readouterr()
    assert main(["reproduce", *map(str, arguments)]) == code
    told = capsys.readouterr()
    answer: dict[str, Any] = json.loads(told.out.splitlines()[-1]) if told.out else {}
    return answer, told.err


@pytest.mark.parametrize("source", ["raw", "version"])
def test_bit_for_bit_on_this_machine(source: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = home / "run" / BUNDLE
    answer, told = ask(capsys, 0, bundle, "--data", home / source, "--out", tmp_path / "again")
    assert (answer["agrees"], answer["bits"], answer["expected"], answer["trained"]) == (True, True, "bits", True)
    assert "the same to the last bit" in told
    assert (tmp_path / "again" / "result.json").is_file()


def test_quick_only_evaluates(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer, _ = ask(capsys, 0, home / "run" / BUNDLE, "--data", home / "version", "--quick")
    assert (answer["bits"], answer["trained"], answer["run"]) == (True, False, str(home / "run"))


def changed(home: Path, path: Path, change: dict[str, Any]) -> Path:
    """The run's bundle with other content in some places."""
    with zipfile.ZipFile(home / "run" / BUNDLE) as archive:
        content = json.loads(archive.read("bundle.json"))
    for name, value in change.items():
        *parents, last = name.split(".")
        place = content
        for parent in parents:
            place = place[parent]
        place[last] = value
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bundle.json", json.dumps(content))
    return path


def test_numbers_that_do_not_come_out(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = changed(home, tmp_path / "wrong.zip", {"numbers.test.ndcg@10": 0.9})
    quick = ["--data", home / "version", "--quick", "--run", home / "run"]
    answer, told = ask(capsys, 3, wrong, *quick)
    assert (answer["agrees"], answer["bits"]) == (False, False)
    assert "not the same, although this machine is of the same kind" in told
    assert [line["name"] for line in answer["lines"] if not line["agrees"]] == ["test ndcg@10"]
    # Elsewhere it is the tolerance that counts.
    elsewhere = changed(home, tmp_path / "elsewhere.zip", {"machine.processor": "another", "numbers.ranks.test": "0"})
    answer, told = ask(capsys, 0, elsewhere, *quick)
    assert (answer["agrees"], answer["bits"], answer["expected"]) == (True, False, "tolerance")
    assert "equal bits cannot be asked for: processor: another, here" in told


def test_the_clock_is_a_reason(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    timed = changed(home, tmp_path / "timed.zip", {"timed": True})
    answer, told = ask(capsys, 0, timed, "--data", home / "version", "--out", tmp_path / "run")
    assert answer["expected"] == "tolerance"
    assert "training ended by the clock" in told


def test_other_data_and_what_is_missing_are_said(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate(tmp_path / "other", users=60, items=40, seed=4)
    _, told = ask(capsys, 2, home / "run" / BUNDLE, "--data", tmp_path / "other", "--quick")
    assert "The data are not those of the run" in told
    assert "k-core" in told
    _, told = ask(capsys, 2, home / "run" / "result.json", "--data", home / "version")
    assert "is no bundle of a run" in told
    moved = changed(home, tmp_path / "moved.zip", {})
    _, told = ask(capsys, 2, moved, "--data", home / "version", "--quick")
    assert "holds no finished run" in told
    other = changed(home, tmp_path / "spec.zip", {"spec.training.seed": 5})
    _, told = ask(capsys, 2, other, "--data", home / "version", "--quick", "--run", home / "run")
    assert "another spec than the bundle" in told


def test_data_that_came_back_from_recbole_is_the_same(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run's data goes out as RecBole's atomic files and in again: the run is found on it, and gives the same numbers."""
    assert main(["export", "--data", str(home / "version"), "--format", "recbole", "--out", str(tmp_path / "atomic.zip")]) == 0
    again = ["--out", str(tmp_path / "again"), "--set", "filters.core=0"]
    assert main(["prepare", "--data", str(tmp_path / "atomic.zip"), *again]) == 0
    answer, _ = ask(capsys, 0, home / "run" / BUNDLE, "--data", tmp_path / "again", "--quick")
    assert answer["bits"]
