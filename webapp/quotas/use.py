"""What a project uses now."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, FloatField, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Extract, Greatest, Now
from django.utils import timezone

from webapp.accounts.models import Project
from webapp.datasets.models import Derived, UploadFile
from webapp.delivering.models import UserLists
from webapp.experiments.models import WORKING_STATES, AttemptRecord, Run, RunState
from webapp.quotas.models import MonthOfWork, StoredFolder


@dataclass(frozen=True)
class Use:
    """What a project uses.

    Attributes:
        disk: bytes: folders as they were last measured, uploads as large as they were announced.
        queued_runs: runs that wait for a worker.
        month_seconds: seconds of work in this month (UTC), attempts that are under way included.
    """

    disk: int
    queued_runs: int
    month_seconds: float


def use_of(project: int) -> Use:
    """What the project with this primary key uses now. One query."""
    waiting = Run.objects.filter(project=OuterRef("pk"), state=RunState.QUEUED)
    spent = MonthOfWork.objects.filter(project=OuterRef("pk"), month=this_month())
    # Attempts that have not ended; what they took before this month is left out.
    working = Run.objects.filter(project=OuterRef("pk"), state__in=WORKING_STATES, started_at__isnull=False)
    taken = Extract(Now() - Greatest(F("started_at"), Value(month_start(this_month()))), "epoch")
    parts: dict[str, Any] = {
        "folders": _sum(StoredFolder.objects.filter(project=OuterRef("pk")), "project", "size"),
        "uploads": _sum(
            UploadFile.objects.filter(upload__project=OuterRef("pk"), upload__version=None), "upload__project", "size"
        ),
        "archives": _sum(Derived.objects.filter(version__dataset__project=OuterRef("pk")), "version__dataset__project", "size"),
        "lists": _sum(UserLists.objects.filter(run__project=OuterRef("pk")), "run__project", "size"),
        "waiting": _total(waiting, "project", Count("pk")),
        "spent": _sum(spent, "project", "seconds"),
        "under_way": _total(working, "project", Sum(Greatest(taken, 0.0, output_field=FloatField()))),
    }
    found: Any = Project.objects.filter(pk=project).values(**parts).get()
    disk = sum(int(found[name]) for name in ("folders", "uploads", "archives", "lists"))
    return Use(disk, int(found["waiting"]), float(found["spent"]) + float(found["under_way"]))


def seconds_of_run(run: int) -> float:
    """Seconds that workers have spent on a run, all its attempts together. One query."""
    took = Extract(Coalesce(F("ended_at"), Now()) - F("started_at"), "epoch")
    found = AttemptRecord.objects.filter(run=run).aggregate(seconds=Sum(took, output_field=FloatField()))
    return float(found["seconds"] or 0)


def this_month() -> datetime.date:
    """The first day of the present month (UTC)."""
    return timezone.now().astimezone(datetime.UTC).date().replace(day=1)


def month_start(month: datetime.date) -> datetime.datetime:
    """The moment at which a month begins (UTC)."""
    return datetime.datetime(month.year, month.month, 1, tzinfo=datetime.UTC)


def _sum(rows: QuerySet[Any], group: str, column: str) -> Coalesce:
    return _total(rows, group, Sum(column))


def _total(rows: QuerySet[Any], group: str, what: Sum | Count) -> Coalesce:
    total = rows.order_by().values(group).annotate(total=what).values("total")
    return Coalesce(Subquery(total, output_field=FloatField()), 0.0, output_field=FloatField())
