import os
import signal
from pathlib import Path

from engine.data.version import Version
from engine.result import Result
from engine.run import never
from engine.study.pool import Ended, RunPool
from tests.engine.methods.runs import small_spec


def wait_for(pool: RunPool, count: int) -> list[Ended]:
    found: list[Ended] = []
    while len(found) < count:
        found += pool.wait(never)
    return found


def test_one_process_takes_one_run_after_the_other(planted: Version, tmp_path: Path) -> None:
    spec = small_spec("sasrec", {"training.epochs": 1})
    with RunPool(planted.path, 1) as pool:
        pool.start("first", spec, tmp_path / "first")
        assert wait_for(pool, 1) == [Ended("first", None)]
        process = pool._idle[0].process.pid
        pool.start("wrong", spec.model_copy(update={"method": spec.method.model_copy(update={"window": -1})}), tmp_path / "wrong")
        (wrong,) = wait_for(pool, 1)
        assert wrong.problem is not None
        assert "window" in wrong.problem
        assert "wrong.log" in wrong.problem
        pool.start("second", spec, tmp_path / "second")
        assert wait_for(pool, 1) == [Ended("second", None)]
        assert pool._idle[0].process.pid == process
    results = [Result.model_validate_json((tmp_path / name / "result.json").read_text()) for name in ("first", "second")]
    assert results[0].test == results[1].test, "a warm process changes nothing"
    assert "ndcg@10" in (tmp_path / "first.log").read_text()


def test_a_killed_process_costs_its_run_alone(planted: Version, tmp_path: Path) -> None:
    long, short = small_spec("sasrec", {"training.epochs": 500}), small_spec("sasrec", {"training.epochs": 1})
    with RunPool(planted.path, 2) as pool:
        pool.start("lost", long, tmp_path / "lost")
        pool.start("kept", short, tmp_path / "kept")
        os.kill(next(child.process.pid for child in pool._busy if child.name == "lost"), signal.SIGKILL)
        ended = {each.name: each for each in wait_for(pool, 2)}
        assert ended["kept"].problem is None
        assert ended["lost"].problem is not None
        assert f"exit code {-signal.SIGKILL}" in ended["lost"].problem
        assert pool.free == 2
        pool.start("again", short, tmp_path / "again")
        assert wait_for(pool, 1) == [Ended("again", None)]


def test_stopping_ends_every_run_at_a_checkpoint(planted: Version, tmp_path: Path) -> None:
    with RunPool(planted.path, 1) as pool:
        pool.start("long", small_spec("sasrec", {"training.epochs": 500}), tmp_path / "long")
        while not (tmp_path / "long.log").is_file():
            assert pool.wait(lambda: (tmp_path / "long.log").is_file()) == [Ended("long", None, stopped=True)]
        assert not pool.running
    assert list((tmp_path / "long" / "checkpoints").glob("step-*"))
