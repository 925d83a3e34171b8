"""``fit --tensorboard``: TensorBoard's own reader finds the numbers that the engine told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.commands.tensorboard import TensorBoardReport
from engine.data.version import Version
from engine.errors import RunCancelled
from engine.events import Event, MetricEvent
from engine.run import run
from engine.spec import RunSpec
from tests.engine.commands.test_main import engine, last_line
from tests.engine.methods.runs import small_spec
from tests.engine.neighbours.board import read_boards
from tests.support.attacks import ATTACKS


def single(value: float) -> float:
    """As float32, in which TensorBoard keeps numbers."""
    return float(np.float32(value))


def told(spec: RunSpec, version: Version, folder: Path, boards: Path, stop_after: int | None = None) -> list[MetricEvent]:
    """Train with a board; the metric events, the last one being number ``stop_after``."""
    found: list[MetricEvent] = []
    with TensorBoardReport(boards, folder.name, spec.model_dump(mode="json")) as board:

        def tell(event: Event) -> None:
            board(event)
            if isinstance(event, MetricEvent):
                found.append(event)

        run(spec, version, folder, tell, should_stop=lambda: stop_after is not None and len(found) >= stop_after)
    return found


def points(events: list[MetricEvent]) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = {}
    for event in events:
        for name, value in event.values.items():
            found.setdefault(f"{event.split}/{name}", []).append([event.step, single(value)])
    return found


def test_tensorboard_reads_what_was_told(planted: Version, tmp_path: Path) -> None:
    spec = small_spec("sasrec", {"training.epochs": 3})
    events = told(spec, planted, tmp_path / "whole", tmp_path / "boards")
    assert len(events) >= 6
    whole_folder = tmp_path / "boards" / "whole"
    # Stopped in its last epoch, and gone on.
    with pytest.raises(RunCancelled):
        told(spec, planted, tmp_path / "parts", tmp_path / "boards", stop_after=3)
    told(spec, planted, tmp_path / "parts", tmp_path / "boards")
    parts_folder = tmp_path / "boards" / "parts"
    assert len(list(parts_folder.iterdir())) == 2
    whole, parts = read_boards(whole_folder, parts_folder)
    expected = points(events)
    assert {"train/loss", "valid/ndcg@10", "valid/hr@1"} <= expected.keys()
    last = events[-1].step
    for board in (whole, parts):
        curves = {tag: [line[:2] for line in lines] for tag, lines in board["scalars"].items()}
        assert {tag: lines for tag, lines in curves.items() if tag in expected} == expected
        ends = {tag: lines for tag, lines in curves.items() if tag not in expected}
        assert {tag.rpartition("/")[0] for tag in ends} == {"chosen/valid", "test"}
        assert {line[0] for lines in ends.values() for line in lines} == {last}
        assert all(len(lines) == 1 for lines in ends.values())
        assert board["end"] == 1
    assert whole["hparams"]["hparams"]["training.epochs"] == 3
    assert whole["hparams"]["hparams"]["method.id"] == "sasrec"
    assert whole["hparams"]["groupName"] == "whole"
    assert '"epochs": 3' in whole["texts"]["spec/text_summary"][0]


def test_on_the_command_line(tmp_path: Path) -> None:
    from engine.data.generated import generate

    generate(tmp_path / "raw", users=60, items=40, seed=3)
    fit = ["fit", "--data", "raw", "--set=filters.core=2", "--set=training.threads=1", "--tensorboard", "boards"]
    first: dict[str, Any] = last_line(engine(*fit, "--preset", "popularity", "--out", "runs/pop", cwd=tmp_path))
    (board,) = read_boards(tmp_path / "boards" / "pop")
    assert {tag: lines[0][1] for tag, lines in board["scalars"].items() if tag.startswith("test/")} == {
        f"test/{name}": single(value) for name, value in first["test"].items()
    }
    refused = engine(*fit, "--preset", "sasrec", "--out", "runs/pop", cwd=tmp_path)
    assert refused.returncode == 2
    assert len(list((tmp_path / "boards" / "pop").iterdir())) == 1, "a run that is refused leaves no file"


def test_attacks_in_settings_are_shown_as_code(tmp_path: Path) -> None:
    spec = {"notes": list(ATTACKS), **{f"{number}": text for number, text in enumerate(ATTACKS)}}
    with TensorBoardReport(tmp_path, "run[red]", spec) as board:
        board(MetricEvent(split="train", step=1, epoch=1, values={"loss": 1.0}))
    (found,) = read_boards(tmp_path / "run[red]")
    ((text,),) = found["texts"].values()
    # Four blanks begin a line of code, in which neither Markdown nor HTML means anything.
    assert all(line.startswith("    ") for line in text.split("\n") if line)
    assert found["hparams"]["hparams"]["0"] == ATTACKS[0]
