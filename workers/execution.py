"""Executing a run inside the child process: from the row to the engine, and from its result back to the row."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.errors import RunCancelled, UserError
from engine.events import CheckpointEvent
from engine.result import Result
from engine.spec import parse_spec
from webapp.datasets.models import VersionState
from webapp.experiments.backbones import check_backbones
from webapp.experiments.models import Run
from webapp.storage import fetch_folder, publish_folder
from workers.attempts import RunAttempt
from workers.database import DATABASE_DOWN, retrying
from workers.failures import explain
from workers.inheriting import begin_from
from workers.lifeline import Lifeline, Stop
from workers.outcome import succeed
from workers.recorder import Recorder
from workers.timings import Timings

_log = logging.getLogger(__name__)
Ending = Callable[[], bool]


def execute_run(attempt: RunAttempt, scratch: Path, lifeline: Lifeline, timings: Timings) -> bool:
    """Train and evaluate the run, and write its final state; True if it succeeded.

    Raises django.db.OperationalError if the database stays away; whoever supervises takes the attempt for lost then.

    Args:
        scratch: an empty folder for copies from an object store.
        lifeline: beats already, and says when to stop.
    """
    run = retrying(
        lambda: Run.objects.select_related("version__dataset", "continues", "refits").get(pk=attempt.pk), timings.give_up
    )
    key = run.folder_key or f"runs/{run.pk}"
    retrying(lambda: attempt.rows().update(folder_key=key), timings.give_up)
    ending, succeeded = _work(attempt, run, key, scratch, lifeline, timings)
    # From here on the attempt is about to end, which a further beat would take for a loss.
    lifeline.close()
    if not retrying(ending, timings.give_up):
        _log.warning("%s: the attempt had ended already", attempt)
        return False
    return succeeded


def _work(attempt: RunAttempt, run: Run, key: str, scratch: Path, lifeline: Lifeline, timings: Timings) -> tuple[Ending, bool]:
    try:
        result = _train(attempt, run, key, scratch, lifeline, timings)
    except RunCancelled as error:
        if lifeline.reason is None:
            return partial(attempt.fail, explain(error)), False
        endings = {Stop.CANCEL: attempt.cancel, Stop.SPENT: attempt.stop_for_time}
        return endings.get(lifeline.reason, attempt.give_back), False
    except DATABASE_DOWN:
        # No fault of the run: a lost attempt.
        raise
    except Exception as error:
        return partial(attempt.fail, explain(error)), False
    return partial(succeed, attempt, result), True


def _train(attempt: RunAttempt, run: Run, key: str, scratch: Path, lifeline: Lifeline, timings: Timings) -> Result:
    if run.version.state != VersionState.READY:
        raise UserError(f"{run.version} is {run.version.state}, not ready.", "Choose a version that is ready.")
    spec = parse_spec(run.spec)
    check_backbones(run.spec, at_worker=True)
    # torch is imported here, in the child, and nowhere else.
    from engine.data.version import read_version
    from engine.run import run as run_engine

    version = read_version(fetch_folder(run.version.storage_key, scratch))
    workdir = fetch_folder(key, scratch)

    def publish(_: CheckpointEvent) -> None:
        publish_folder(workdir, key)

    recorder = Recorder(attempt, timings, publish)
    try:
        if run.continues is not None:
            begin_from(run.continues, workdir, scratch)
        if lifeline.should_stop():
            raise RunCancelled
        if run.refits is not None:
            from engine.refit import refit

            source = fetch_folder(run.refits.folder_key, scratch)
            result = refit(source, version, workdir, recorder, name=str(run.refits), should_stop=lifeline.should_stop)
        else:
            result = run_engine(spec, version, workdir, recorder, should_stop=lifeline.should_stop)
    finally:
        recorder.close()
    publish_folder(workdir, key)
    return result
