"""The command line as people and scripts meet it: exit codes, the last line, and messages without tracebacks."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.data.generated import generate

COLUMNS = "user_id,item_id,timestamp\n"


def engine(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "engine", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=120, check=False)


def last_line(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop") / "raw"
    generate(folder, users=80, items=40, seed=2)
    return folder


def test_prepare_fit_recommend(raw: Path, tmp_path: Path) -> None:
    prepared = last_line(engine("prepare", "--data", str(raw), "--out", str(tmp_path / "version"), cwd=tmp_path))
    assert prepared.keys() == {"data", "version", "path", "rows_read", "rejected", "rejected_list"}
    assert (prepared["rejected"], prepared["rejected_list"]) == (0, None)
    assert prepared["data"].keys() == {"users", "items", "interactions"}
    settings = [f"--set={text}" for text in ("training.epochs=2", "training.threads=1", "method.dimensions=16")]
    fitted = last_line(
        engine("fit", "--data", prepared["path"], "--preset", "sasrec", *settings, "--out", str(tmp_path / "run"), cwd=tmp_path)
    )
    wanted = {"method", "preset", "data", "protocol", "valid", "test", "seconds", "trainable_parameters", "targets_per_second"}
    assert wanted <= fitted.keys()
    assert (fitted["method"], fitted["preset"]) == ("sasrec", "sasrec")
    assert fitted["data"] == prepared["data"]
    assert fitted["protocol"]["version"] == prepared["version"]
    assert {"hr@10", "ndcg@10"} <= fitted["test"].keys()
    items = [line.split(",")[1] for line in (raw / "interactions.csv").read_text(encoding="utf-8").splitlines()[1:4]]
    answer = last_line(engine("recommend", "--run", fitted["run"], "--history", ",".join(items), "--k", "3", cwd=tmp_path))
    assert [item["id"] for item in answer["history"]] == items
    assert len(answer["recommended"]) == 3
    assert not {item["id"] for item in answer["recommended"]} & set(items)
    user = (raw / "interactions.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    assert len(last_line(engine("recommend", "--run", fitted["run"], "--user", user, cwd=tmp_path))["recommended"]) == 10
    unknown = engine("recommend", "--run", fitted["run"], "--user", "nobody", cwd=tmp_path)
    assert unknown.returncode == 2
    assert "There is no user 'nobody'" in unknown.stderr


def test_fit_on_raw_data_filters_and_keeps_all_in_one_folder(raw: Path, tmp_path: Path) -> None:
    fitted = last_line(engine("fit", "--data", str(raw), "--preset", "popularity", "--set", "filters.core=6", cwd=tmp_path))
    assert fitted["run"].startswith("runs/popularity-")
    assert (tmp_path / fitted["run"] / "version" / "manifest.json").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "the file is empty"),
        (COLUMNS, "no interactions"),
        ("user_id,timestamp\nu,1\n", "required column `item_id` is missing"),
        (COLUMNS + "".join(f"u,i{n},{n}\n" for n in range(9)), "1 user; at least 2 are needed to train"),
        (COLUMNS + "u,a,yesterday\nv,b,2\n", "line 2: timestamp 'yesterday'"),
    ],
)
@pytest.mark.parametrize("command", [["prepare"], ["fit", "--preset", "popularity", "--set", "filters.core=0"]])
def test_bad_data_ends_with_2_a_hint_and_nothing_left(command: list[str], content: str, words: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "interactions.csv").write_text(content, encoding="utf-8")
    done = engine(*command, "--data", str(data), cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert [path.name for path in tmp_path.rglob("*")] == ["data", "interactions.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit", "--data", ".", "--preset", "sasrek"], "Did you mean 'sasrec'"),
        (["fit", "--data", ".", "--preset", "sasrec", "--set", "training.epochs=0"], "got 0, must be 1 or more"),
        (["fit", "--data", ".", "--preset", "sasrec", "--set", "nonsense=1"], "nonsense: there is no such setting"),
        (["fit", "--data", "."], "Give either --preset NAME or --spec FILE"),
        (["fit", "--preset", "sasrec"], "--data is missing"),
        (["fit", "--preset", "sasrec", "--data", "nowhere"], "there is no such file or folder"),
        (["prepare", "--data", ".", "--set", "training.epochs=3"], "prepare has no such setting"),
        (["recommend", "--run", "nowhere", "--user", "u"], "holds no finished run"),
        (["fit", "--spec", "nowhere.yaml", "--data", "."], "nowhere.yaml: cannot be read"),
        (["fly"], "invalid choice"),
    ],
)
def test_wrong_arguments_end_with_2_and_say_what_to_do(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = engine(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_spec_file_works_like_a_preset(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("method: {id: popularity}\nfilters: {core: 3}\n", encoding="utf-8")
    assert last_line(engine("fit", "--data", str(raw), "--spec", "spec.yaml", cwd=tmp_path))["preset"] is None


def test_settings_are_listed_with_ranges_and_units(tmp_path: Path) -> None:
    done = engine("fit", "--preset", "darec-nano", "--list", cwd=tmp_path)
    assert last_line(done)["spec"]["method"]["id"] == "darec"
    assert "training.minutes" in done.stderr
    assert "more than 0" in done.stderr


def test_ctrl_c_ends_at_a_checkpoint_and_the_same_command_goes_on(raw: Path, tmp_path: Path) -> None:
    command = [
        "fit",
        "--data",
        str(raw),
        "--preset",
        "sasrec",
        "--out",
        str(tmp_path / "run"),
        "--set",
        "training.epochs=100000",
        "--set",
        "training.patience=100000",
        "--set",
        "training.threads=1",
    ]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(
        [sys.executable, "-m", "engine", *command], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("epoch"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "Go on with the same command" in rest
    assert list((tmp_path / "run" / "checkpoints").glob("step-*/COMPLETE"))
