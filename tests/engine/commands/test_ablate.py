import json
from pathlib import Path

import pytest

from engine.commands.main import main
from engine.data.version import Version
from tests.engine.methods.runs import COMMON, SMALL


def test_ablate_trains_the_base_and_what_was_named(planted: Version, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = [f"--set={name}={value}" for name, value in {**COMMON, **SMALL["darec"], "training.epochs": 1}.items()]
    arguments = ["ablate", "--data", str(planted.path), "--preset", "darec-nano", "--out", str(tmp_path / "out"), *settings]
    assert main([*arguments, "--seeds", "0", "--only", "no-adapters,sasrec"]) == 0
    printed = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    rows = {row["variant"]: row for row in printed["rows"]}
    assert list(rows) == ["base", "no-adapters", "sasrec"]
    assert rows["no-adapters"]["trainable_parameters"] < rows["base"]["trainable_parameters"]
    assert rows["sasrec"]["comparison"]["users"] == printed["users_evaluated"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "popularity"], "popularity has no ablations"),
        (["--preset", "darec-nano", "--only", "casual"], "no such ablation"),
        (["--preset", "darec-nano", "--seeds", "0,x"], "--seeds 0,x: not whole numbers"),
        ([], "Give either --preset NAME or --spec FILE"),
    ],
)
def test_wrong_arguments_say_what_to_do(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ablate", "--data", ".", *arguments]) == 2
    assert words in capsys.readouterr().err
