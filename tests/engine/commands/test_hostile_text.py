"""What the commands write in a terminal when titles, ids and file names attack it."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from engine.commands import recommend, settings_table
from engine.commands.main import main
from engine.commands.progress import TerminalReport
from engine.commands.terminal import literal, tell
from engine.events import LogEvent, MetricEvent, ProgressEvent, WarningEvent
from engine.presets import get_preset
from engine.search.show import print_answer
from engine.study.show import print_table
from engine.study.table import StudyRow, StudyTable
from tests.support.attacks import ATTACKS, COLOURS, LINE, MARKUP, raw_controls

Capture = pytest.CaptureFixture[str]


def harmless(capsys: Capture) -> tuple[str, str]:
    """What was written to stdout and stderr, after a look at it."""
    written = capsys.readouterr()
    assert not raw_controls(written.out + written.err), written.err
    assert not any(line.startswith("ERROR: a line of its own") for line in written.err.splitlines())
    return written.out, written.err


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Users, items and titles that are attacks, rows that cannot be used, in files of such names."""
    ids = [f"{number}{text}".replace("\x00", "") for number, text in enumerate(ATTACKS)]
    folder = tmp_path / "[red]raw\x1b[31m"
    folder.mkdir()
    with (folder / "interactions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "item_id", "timestamp"])
        for user in range(len(ids)):
            writer.writerows([ids[user], ids[(user + step) % len(ids)], 1000 + step] for step in range(5))
        writer.writerow([ids[0], "", "\x1b[31m"])
    with (folder / "items.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item_id", "title"])
        writer.writerows(zip(ids, reversed(ATTACKS), strict=True))
    return folder


def test_prepare_fit_evaluate_recommend(raw: Path, tmp_path: Path, capsys: Capture) -> None:
    version, run = tmp_path / "version\x1b[2J", tmp_path / "run[red]\x9b"
    assert main(["prepare", "--data", str(raw), "--out", str(version)]) == 0
    out, _ = harmless(capsys)
    assert json.loads(out)["path"] == str(version)
    assert main(["fit", "--data", str(version), "--preset", "popularity", "--out", str(run), "--set", "training.threads=1"]) == 0
    harmless(capsys)
    assert main(["evaluate", "--run", str(run)]) == 0
    harmless(capsys)
    user = f"{ATTACKS.index(LINE)}{LINE}"
    assert main(["recommend", "--run", str(run), "--user", user, "--k", "50"]) == 0
    out, err = harmless(capsys)
    answer = json.loads(out.splitlines()[-1])
    assert answer["user"] == user
    assert "[CLS]" in err
    assert main(["recommend", "--run", str(run), "--user", f"nobody{COLOURS}{LINE}"]) == 2
    harmless(capsys)
    assert main(["recommend", "--run", str(run), "--history", f"nothing{COLOURS}{LINE}"]) == 2
    harmless(capsys)


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: ascii(text)[:24])
def test_tables_and_lines_show_letters(text: str, capsys: Capture) -> None:
    side = {"architecture": ["none"], "test": {"ndcg@10": 0.1}, "adapter_parameters": 1}
    item = {"id": text, "title": text, "score": 1.0}
    recommend._show({"history": [item], "recommended": [item]})
    print_answer({"trials": [], "best": side, "uniform": side, "seconds": 1.0, "full_training_seconds": 1.0, "verdict": text})
    values: dict[str, Any] = {"variant": text, "test": {"ndcg@10": 0.1, "hr@10": 0.1}, "valid": {"ndcg@10": 0.1}, "deviation": {}}
    values |= {"trainable_parameters": 1, "seconds": 1.0, "epochs": 1.0, "comparison": None, "sentence": ""}
    table: dict[str, Any] = {"base": text, "rows": [StudyRow.model_construct(**values)], "missing": [], "seeds": [0]}
    print_table(StudyTable.model_construct(**table, protocol=None, data=None))
    with TerminalReport() as report:
        report(WarningEvent(message=text, hint=text))
        report(LogEvent(message=text))
        moved: dict[str, Any] = {"phase": text, "fraction": 0.5, "targets_per_second": None, "eta_seconds": None}
        report(ProgressEvent.model_construct(**moved))
        report(MetricEvent.model_construct(split="valid", step=1, epoch=1, values={"ndcg@10": 0.1}))
    settings_table.print_settings(get_preset("popularity").spec().model_copy(update={"preset": text}))
    tell(text)
    _, err = harmless(capsys)
    assert literal(text).plain in "".join(err.splitlines(keepends=False)) or len(text) > 60


def test_a_terminal_with_colours_takes_no_orders() -> None:
    console = Console(force_terminal=True, width=200, highlight=False)
    with console.capture() as captured:
        for text in ATTACKS:
            console.print(literal(text))
    assert "\x1b" not in captured.get()
    assert MARKUP in captured.get()


def test_faults_of_ours_are_told_without_harm(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def broken(name: str) -> object:
        raise RuntimeError(f"bad {COLOURS}")

    monkeypatch.setattr("engine.commands.main._command", broken)
    assert main(["prepare", "--data", "x"]) == 1
    _, err = harmless(capsys)
    assert "\\x1b[31" in err
    assert "Traceback" in err
