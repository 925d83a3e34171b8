"""The benchmarks run from end to end and print their figures; how fast anything is, is not asserted."""

import json

import pytest

from engine.commands.main import main
from tests.engine.methods.runs import SMALL

SMALL_SIDES = ["--seconds", "0.2", "--window", "8", "--histories", "6", "--catalogue", "40", "--prompts", "4"]
SMALL_MODEL = [f"--set={name}={value}" for name, value in SMALL["darec"].items() if name != "method.text.window"]
SMALL_RANKING = ["--users", "50", "--items", "3000", "--dimensions", "8", "--batch", "20", "--repetitions", "1"]


def test_both_benchmarks_print_their_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "all", *SMALL_SIDES, *SMALL_MODEL, *SMALL_RANKING]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.strip().splitlines()) == 1
    printed = json.loads(shown.out)
    throughput, ranking = printed["throughput"], printed["ranking"]
    assert throughput.keys() == {"ours", "peft", "ratio"}
    assert ranking.keys() == {"ours", "bare", "ratio"}
    assert throughput["ratio"] == pytest.approx(throughput["ours"] / throughput["peft"], rel=0.01)
    assert min(*throughput.values(), *ranking.values()) >= 0
    assert "tokens/s" in shown.err


def test_ingestion_prints_its_seconds_its_peak_and_its_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "ingest", "--rows", "1000"]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.strip().splitlines()) == 1
    printed = json.loads(shown.out)
    assert {"seconds", "peak_mb", "ratio", "core_split_seconds", "preview_seconds"} <= printed.keys()
    assert printed["rows"] == 1000
    assert min(printed.values()) >= 0
    assert "validated, written and profiled" in shown.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ranking", "--users", "0"], "--users 0: must be 1 or more"),
        (["throughput", "--seconds", "0"], "--seconds 0.0: must be more than 0"),
        (["ingest", "--rows", "999"], "--rows 999: must be 1,000 or more"),
        (["throughput", "--window", "1"], "--window 1: must be 2 or more"),
        (["throughput", "--preset", "sasrec"], "there is no such setting"),
        (["throughput", "--data", "nowhere"], "there is no such file or folder"),
    ],
)
def test_wrong_arguments_say_what_to_do(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *arguments]) == 2
    assert words in capsys.readouterr().err
