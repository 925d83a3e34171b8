"""Running studies: skipping, going on, failing in the open, and the table of what is there."""

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.data.version import Version
from engine.errors import RunCancelled, UserError
from engine.events import Event, LogEvent
from engine.presets import get_preset
from engine.study.execute import execute
from engine.study.folder import finished
from engine.study.show import markdown, print_table
from engine.study.table import study_table
from engine.study.variant import Member, Study
from tests.engine.methods.runs import small_spec

QUICK = {"training.epochs": 1}


def study(seeds: tuple[int, ...] = (0, 1), **settings: Any) -> Study:
    return Study(
        (
            Member("sasrec", "the base", small_spec("sasrec", {**QUICK, **settings})),
            Member("popular", "", get_preset("popularity").spec({"training.threads": 1})),
        ),
        seeds,
    )


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, LogEvent):
            self.lines.append(event.message)


def test_a_study_goes_on_where_it_was_and_makes_a_table(
    planted: Version, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, log = study(), Log()
    with pytest.raises(RunCancelled):
        execute(whole, planted, tmp_path, log, should_stop=lambda: finished(tmp_path / "sasrec/seed-0"))
    begun = study_table(whole, tmp_path)
    assert [row.variant for row in begun.rows] == ["sasrec"]
    assert begun.missing == ["popular/seed-0", "sasrec/seed-1", "popular/seed-1"]
    before = (tmp_path / "sasrec/seed-0/result.json").stat().st_mtime_ns
    assert execute(whole, planted, tmp_path, log) == []
    assert (tmp_path / "sasrec/seed-0/result.json").stat().st_mtime_ns == before
    assert "1 of 4 runs are finished already." in log.lines

    table = study_table(whole, tmp_path)
    base, popular = table.rows
    results = [json.loads((tmp_path / f"sasrec/seed-{seed}/result.json").read_text(encoding="utf-8")) for seed in (0, 1)]
    values = [result["test"]["ndcg@10"] for result in results]
    assert base.test["ndcg@10"] == pytest.approx(np.mean(values))
    assert base.deviation["ndcg@10"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    assert base.comparison is None
    assert popular.comparison is not None
    assert popular.comparison.difference == pytest.approx(popular.test["ndcg@10"] - base.test["ndcg@10"])
    assert popular.comparison.seeds_b == pytest.approx(values)
    assert (base.trainable_parameters > 0, popular.trainable_parameters, base.epochs) == (True, 0, 1)
    assert sum(line["users"] for line in results[0]["slices"] if line["of"] == "items") == table.users_evaluated
    assert table.missing == []

    text = markdown(table)
    assert f"| sasrec | {base.test['ndcg@10']:.4f} ± {base.deviation['ndcg@10']:.4f} |" in text
    assert f"version {planted.hash[:10]}" in text
    assert "full ranking over 60 items" in text
    print_table(table)
    assert f"{popular.comparison.difference:+.4f}" in capsys.readouterr().err


def test_a_run_that_fails_is_told_and_the_others_run(planted: Version, tmp_path: Path) -> None:
    log = Log()
    whole = Study((Member("here", "", study().members[1].spec), Member("cuda", "", study().base.spec)), (0,))
    (tmp_path / "cuda/seed-0").mkdir(parents=True)
    (tmp_path / "cuda/seed-0/checkpoints").write_text("in the way", encoding="utf-8")
    failures = execute(whole, planted, tmp_path, log)
    assert [(failure.label, failure.seed) for failure in failures] == [("cuda", 0)]
    assert any(line.startswith("cuda/seed-0 FAILED: ") for line in log.lines)
    assert study_table(whole, tmp_path).missing == ["cuda/seed-0"]


def test_another_study_in_the_folder_is_left_alone(planted: Version, tmp_path: Path) -> None:
    execute(study((0,)), planted, tmp_path, Log())
    with pytest.raises(UserError, match="holds another run"):
        execute(study((0,), **{"method.dimensions": 16}), planted, tmp_path, Log())
    more_threads = {"training.threads": 2}
    log = Log()
    assert execute(study((0,), **more_threads), planted, tmp_path, log) == []
    assert log.lines == ["2 of 2 runs are finished already."]


def test_children_run_beside_each_other_fail_in_the_open_and_stop(planted: Version, tmp_path: Path) -> None:
    long = Member("long", "", small_spec("sasrec", {"training.epochs": 100_000, "training.patience": 100_000}))
    whole = Study((study().members[1], long, study().base), (0,))
    (tmp_path / "sasrec/seed-0").mkdir(parents=True)
    (tmp_path / "sasrec/seed-0/checkpoints").write_text("in the way", encoding="utf-8")
    log, stop = Log(), threading.Event()

    def should_stop() -> bool:
        if any("sasrec/seed-0 FAILED" in line for line in log.lines) and list(
            tmp_path.glob("long/seed-0/checkpoints/*/COMPLETE")
        ):
            stop.set()
        return stop.is_set()

    with pytest.raises(RunCancelled):
        execute(whole, planted, tmp_path, log, jobs=2, should_stop=should_stop)
    assert finished(tmp_path / "popular/seed-0")
    assert not finished(tmp_path / "long/seed-0")
    assert any("sasrec/seed-0 FAILED" in line and "exit code 1" in line for line in log.lines)
    assert not any("long" in line for line in log.lines)
    assert json.loads((tmp_path / "long/seed-0/run.json").read_text(encoding="utf-8"))["spec"]["training"]["threads"] == 1
