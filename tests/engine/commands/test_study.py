"""``study`` and what it says when it cannot."""

import json
from pathlib import Path

import pytest

from engine.commands.main import main
from engine.data.version import Version

STUDY = """
seeds: [0]
variants:
  - {label: sasrec, preset: sasrec, set: {method.dimensions: 16, training.epochs: 1}}
  - {label: popular, preset: popularity}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def test_one_table_in_json_markdown_and_words(
    file: Path, planted: Version, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["study", "--data", str(planted.path), "--spec", str(file), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--set", "training.threads=1"]) == 0
    shown = capsys.readouterr()
    printed = json.loads(shown.out.strip().splitlines()[-1])
    assert printed["study"] == str(tmp_path / "out")
    assert [row["variant"] for row in printed["rows"]] == ["sasrec", "popular"]
    assert printed["rows"][1]["comparison"]["users"] == printed["users_evaluated"]
    stored = json.loads((tmp_path / "out/table.json").read_text(encoding="utf-8"))
    assert stored == {name: value for name, value in printed.items() if name != "study"}
    assert (tmp_path / "out/table.md").read_text(encoding="utf-8").startswith("| variant | test NDCG@10 |")
    assert "popular" in shown.err


def test_a_failed_run_ends_with_1_and_is_named(
    file: Path, planted: Version, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out/sasrec/seed-0").mkdir(parents=True)
    (tmp_path / "out/sasrec/seed-0/checkpoints").write_text("in the way", encoding="utf-8")
    arguments = ["study", "--data", str(planted.path), "--spec", str(file), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--set", "training.threads=1"]) == 1
    shown = capsys.readouterr()
    assert "1 of 2 runs failed: sasrec, seed 0" in shown.err
    assert shown.out == ""
    assert "Not finished: sasrec/seed-0." in (tmp_path / "out/table.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "."], "--spec is missing"),
        (["--spec", "nowhere.yaml", "--data", "."], "nowhere.yaml: cannot be read"),
        (["--jobs", "0", "--data", "."], "--jobs 0: must be 1 or more"),
        ([], "--data is missing"),
        (["--set", "training.epochs=0", "--data", "."], "sasrec: training.epochs: got 0, must be 1 or more"),
    ],
)
def test_wrong_arguments_say_what_to_do(arguments: list[str], words: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = arguments if "--spec" in arguments or words.startswith("--spec") else [*arguments, "--spec", str(file)]
    assert main(["study", *given]) == 2
    assert words in capsys.readouterr().err
