"""Bringing runs to MLflow, in batches, after their events are stored: a run never waits for it, and never fails by it.

Beat looks for what is new; each run is then one task of its own. What does not go well is tried again with growing pauses.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerDown

from webapp.broker import MIRROR_TASK, QUEUES, ask, waiting
from webapp.datasets.models import HEAVY_OF_VERSION
from webapp.experiments.models import ENDED_STATES, WORKING_STATES, Run, RunEvent, RunState
from webapp.mirroring.models import Mirror
from workers.mlflow.client import MOST_METRICS, MOST_PARAMS, Mlflow, MlflowError
from workers.mlflow.telling import (
    ADDRESS_TAG,
    STATUS,
    address,
    final_metrics,
    first_tags,
    metrics_of_event,
    milliseconds,
    params,
    tags,
)

_log = logging.getLogger(__name__)
PAUSES = (30, 120, 600, 1800, 7200)
"""Seconds before each further try; the last one again and again."""
MOST_TRIES = 24
"""In a row: after about a day and a half it is given up."""
BETWEEN = 10
"""Seconds between two batches of a run that goes on."""
_TAKEN = 120
"""Seconds that a worker has a mirror to itself."""
_YOUNG = timedelta(days=1)
AT_ONCE = 100
_EVENTS = 100


def look() -> None:
    """Ask for every mirror that is due; nothing happens where MLFLOW_TRACKING_URI is not set."""
    if not settings.MLFLOW_TRACKING_URI:
        return
    now = timezone.now()
    begun = Run.objects.filter(started_at__gte=now - _YOUNG).filter(Q(state__in=WORKING_STATES) | Q(state__in=ENDED_STATES))
    fresh = begun.filter(mirror=None).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]
    Mirror.objects.bulk_create([Mirror(run_id=pk, next_try_at=now) for pk in fresh], ignore_conflicts=True)
    # One that was told to its end, and goes on.
    again = Mirror.objects.filter(run__state__in=WORKING_STATES, run__started_at__gt=F("finished_at"))
    again.update(finished_at=None, next_try_at=now, tries=0)
    due = list(Mirror.objects.filter(next_try_at__lte=now).order_by("next_try_at").values_list("pk", flat=True)[:AT_ONCE])
    try:
        if due and waiting(QUEUES[MIRROR_TASK]) == 0:
            for pk in due:
                ask(MIRROR_TASK, pk)
    except BrokerDown as error:
        _log.warning("the broker does not answer, mirrors wait for the next look: %s", error)


def mirror(pk: int) -> bool:
    """Tell MLflow what is new of mirror ``pk``, if it is due; True if that went well.

    A worker that dies in between leaves it to be told again. Only what was told since the last stored place comes twice then;
    MLflow keeps such values under the same step.
    """
    now = timezone.now()
    due = Mirror.objects.filter(pk=pk, next_try_at__lte=now)
    # The one that moves the time on does it.
    if not settings.MLFLOW_TRACKING_URI or not due.update(next_try_at=now + timedelta(seconds=_TAKEN), tries=F("tries") + 1):
        return False
    row = Mirror.objects.get(pk=pk)
    try:
        ended = _tell(row)
    except MlflowError as error:
        _failed(row, str(error))
        return False
    later = None if ended else timezone.now() + timedelta(seconds=BETWEEN)
    done = timezone.now() if ended else None
    Mirror.objects.filter(pk=pk).update(next_try_at=later, finished_at=done, tries=0, last_error="")
    return True


def _failed(row: Mirror, error: str) -> None:
    _log.warning("%s, try %d: %s", row, row.tries, error)
    pause = PAUSES[min(row.tries, len(PAUSES)) - 1]
    later = timezone.now() + timedelta(seconds=pause) if row.tries < MOST_TRIES else None
    Mirror.objects.filter(pk=row.pk).update(next_try_at=later, last_error=error[:300])


def _tell(row: Mirror) -> bool:
    """True if the run has ended, and all of it is told."""
    run = Run.objects.select_related("project", "version", "created_by").defer(*HEAVY_OF_VERSION).get(pk=row.run_id)
    server = Mlflow.of_settings()
    if not row.remote_id:
        _begin(server, row, run)
    if not row.described:
        pairs = list(params(run).items())
        for start in range(0, len(pairs), MOST_PARAMS):
            server.log_batch(row.remote_id, params=dict(pairs[start : start + MOST_PARAMS]))
        _keep(row, described=True)
    _tell_events(server, row)
    server.log_batch(row.remote_id, tags=tags(run))
    if run.state not in ENDED_STATES:
        server.update_run(row.remote_id, "RUNNING", None)
        return False
    if run.state == RunState.SUCCEEDED:
        server.log_batch(row.remote_id, final_metrics(run))
    server.update_run(row.remote_id, STATUS[RunState(run.state)], milliseconds(run.finished_at or timezone.now()))
    return True


def _begin(server: Mlflow, row: Mirror, run: Run) -> None:
    """Make the run there, unless an earlier try did, whose answer was lost."""
    experiment = server.experiment(f"{run.project.name} (project {run.project_id})")
    found = server.find_run(experiment, ADDRESS_TAG, address(run))
    if found is None:
        found = server.create_run(experiment, str(run), milliseconds(run.started_at or run.created_at), first_tags(run))
    _keep(row, remote_id=found)


def _tell_events(server: Mlflow, row: Mirror) -> None:
    # The run was read before its events: of one that had ended by then, all events are there.
    while events := _next_events(row):
        found = [metric for event in events for metric in metrics_of_event(event)]
        for start in range(0, len(found), MOST_METRICS):
            server.log_batch(row.remote_id, found[start : start + MOST_METRICS])
        _keep(row, told_event=events[-1].id)


def _next_events(row: Mirror) -> list[RunEvent]:
    later = RunEvent.objects.filter(run_id=row.run_id, type="metric", pk__gt=row.told_event)
    return list(later.order_by("pk")[:_EVENTS])


def _keep(row: Mirror, **values: str | int | bool) -> None:
    Mirror.objects.filter(pk=row.pk).update(**values)
    for name, value in values.items():
        setattr(row, name, value)
