"""Running a study: what is finished already is skipped, what was begun goes on from its checkpoint."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.data.version import Version
from engine.errors import EngineError, RunCancelled
from engine.events import LogEvent, Report
from engine.run import never, run
from engine.spec import RunSpec
from engine.study.folder import finished, read_result, settled_spec
from engine.study.pool import RunPool
from engine.study.variant import Study, StudyRun


@dataclass(frozen=True)
class Failure:
    """A run that did not end well."""

    label: str
    seed: int
    message: str


@dataclass(frozen=True)
class Task:
    """A run to be done: the spec with the number of threads that it really gets, and its folder."""

    run: StudyRun
    spec: RunSpec
    folder: Path


def execute(
    study: Study, version: Version, out: Path, report: Report, *, jobs: int = 1, should_stop: Callable[[], bool] = never
) -> list[Failure]:
    """Bring all runs of ``study`` to their end below ``out``; returns those that failed.

    Args:
        jobs: 1 runs one after the other in this process; more runs that many processes at once, of one thread each.

    Raises:
        UserError: a folder holds another run; nothing was started then.
        RunCancelled: ``should_stop`` said so; the same call goes on later.
    """
    threads = None if jobs == 1 else 1
    tasks = [Task(item, settled_spec(item, out / item.place, version.hash, threads), out / item.place) for item in study.runs()]
    waiting = [task for task in tasks if not finished(task.folder)]
    if len(waiting) < len(tasks):
        report(LogEvent(message=f"{len(tasks) - len(waiting)} of {len(tasks)} runs are finished already."))
    failures: list[Failure] = []

    def ended(task: Task, problem: str | None) -> None:
        if problem is not None:
            failures.append(Failure(task.run.label, task.run.seed, problem))
            report(LogEvent(message=f"{task.run.place} FAILED: {problem}"))
            return
        test = read_result(task.folder).test
        report(LogEvent(message=f"{task.run.place}: test ndcg@10 {test['ndcg@10']:.4f}  hr@10 {test['hr@10']:.4f}"))

    if jobs > 1:
        _run_beside(waiting, version.path, jobs, ended, should_stop)
        return failures
    for number, task in enumerate(waiting, start=1):
        report(LogEvent(message=f"run {number} of {len(waiting)}: {task.run.place}"))
        ended(task, _run_here(task, version, report, should_stop))
    return failures


def _run_beside(
    tasks: list[Task], version: Path, jobs: int, ended: Callable[[Task, str | None], None], should_stop: Callable[[], bool]
) -> None:
    waiting, by_place = list(tasks), {task.run.place: task for task in tasks}
    stopped = False
    with RunPool(version, min(jobs, max(len(tasks), 1))) as pool:
        while pool.running or (waiting and not should_stop()):
            while waiting and pool.free and not should_stop():
                task = waiting.pop(0)
                pool.start(task.run.place, task.spec, task.folder)
            for each in pool.wait(should_stop):
                stopped |= each.stopped
                if not each.stopped:
                    ended(by_place[each.name], each.problem)
    if stopped or waiting:
        raise RunCancelled


def _run_here(task: Task, version: Version, report: Report, should_stop: Callable[[], bool]) -> str | None:
    """What went wrong, or None. A fault of ours is shown whole and does not end the study."""
    try:
        run(task.spec, version, task.folder, report, should_stop=should_stop)
    except RunCancelled:
        raise
    except EngineError as error:
        return str(error)
    except Exception as error:
        traceback.print_exc()
        return f"{type(error).__name__}: {error}"
    return None
