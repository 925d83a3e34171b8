"""The tasks, by name. A message carries a primary key; whether there is something to do, the row says."""

import logging

from celery import shared_task

from webapp.logs.about import about
from workers.claims import claim_run, claim_version
from workers.delivering import deliver
from workers.echoing import answer_echo
from workers.lists.supervising import supervise_lists
from workers.mlflow.mirroring import look as look_for_mirrors
from workers.mlflow.mirroring import mirror
from workers.searches.advancing import advance, look
from workers.serving.supervising import supervise_ask
from workers.supervisor import (
    supervise_comparison,
    supervise_derivation,
    supervise_question,
    supervise_run,
    supervise_run_comparison,
    supervise_version,
)
from workers.sweep import sweep
from workers.timings import Timings

_log = logging.getLogger(__name__)


@shared_task(name="runs.execute")
def execute_run(pk: int) -> None:
    """Execute the run ``pk`` if it is queued."""
    attempt = claim_run(pk)
    if attempt is None:
        _log.info("run %d is not queued: nothing to do", pk)
        return
    with about(attempt=attempt.number):
        supervise_run(attempt, Timings.from_environment())


@shared_task(name="datasets.ingest")
def ingest_version(pk: int) -> None:
    """Read the upload of version ``pk`` if it is queued."""
    attempt = claim_version(pk)
    if attempt is None:
        _log.info("version %d is not queued: nothing to do", pk)
        return
    with about(attempt=attempt.number):
        supervise_version(attempt, Timings.from_environment())


@shared_task(name="datasets.derive")
def derive(pk: int) -> None:
    """Make what row ``pk`` asks for of a version: an archive, a leakage report, a difference."""
    supervise_derivation(pk, Timings.from_environment())


@shared_task(name="datasets.answer")
def answer_question(pk: int) -> None:
    """Find out what question ``pk`` about a version asks, if it is still asked."""
    supervise_question(pk, Timings.from_environment())


@shared_task(name="serving.answer")
def answer_ask(pk: int) -> None:
    """Find out what question ``pk`` to a trained run asks, if it is still asked."""
    supervise_ask(pk, Timings.from_environment())


@shared_task(name="delivering.recommend")
def make_lists(pk: int) -> None:
    """Make the file of recommendations for everyone that row ``pk`` asks for, if it is queued."""
    supervise_lists(pk, Timings.from_environment())


@shared_task(name="groups.compare")
def compare_group(pk: int) -> None:
    """Compare what is finished in group ``pk`` and has not been compared."""
    supervise_comparison(pk, Timings.from_environment())


@shared_task(name="runs.compare")
def compare_runs(pk: int) -> None:
    """Find out which differences among the runs of comparison ``pk`` are more than chance."""
    supervise_run_comparison(pk, Timings.from_environment())


@shared_task(name="searches.advance")
def advance_search(pk: int) -> None:
    """Settle what has ended in search ``pk``, and start what comes next."""
    advance(pk, Timings.from_environment())


@shared_task(name="searches.look")
def look_at_searches() -> None:
    """Bring searches forward that stand still because a message or a process was lost."""
    look()


@shared_task(name="notices.deliver")
def deliver_notice(pk: int) -> None:
    """Send delivery ``pk`` of a notice, if it is due."""
    deliver(pk)


@shared_task(name="mlflow.mirror")
def mirror_run(pk: int) -> None:
    """Tell MLflow what is new of the run of mirror ``pk``, if it is due."""
    mirror(pk)


@shared_task(name="mlflow.look")
def look_at_mirrors() -> None:
    """Ask for what MLflow has not been told yet, where there is such a server."""
    look_for_mirrors()


@shared_task(name="maintenance.sweep")
def sweep_up() -> None:
    """Remove what nobody needs any more."""
    sweep()


@shared_task(name="maintenance.echo")
def echo(pk: int) -> None:
    """Answer that a worker is there."""
    answer_echo(pk)
