"""Noting how much is stored and how long workers were at it, where that becomes known."""

from django.db.models import F, Q

from webapp.datasets.models import Version
from webapp.experiments.models import ACTIVE_STATES, Run
from webapp.quotas.models import MonthOfWork, StoredFolder
from webapp.quotas.use import this_month
from webapp.storage import list_files


def note_folder(key: str, project: int, size: int, *, version: int | None = None, run: int | None = None) -> None:
    """Say that the folder ``key`` of the storage has ``size`` bytes, and what it goes with."""
    values = {"project_id": project, "size": size, "version_id": version, "run_id": run}
    StoredFolder.objects.update_or_create(key=key, defaults=values)


def measure_version(pk: int) -> None:
    """Note the size of a version's files; nothing if it is gone, or its files are not there yet."""
    found = Version.objects.filter(pk=pk).values_list("storage_key", "dataset__project").first()
    if found and found[0]:
        note_folder(found[0], found[1], _bytes(found[0]), version=pk)


def measure_run(pk: int) -> None:
    """Note the size of a run's folder; nothing if it is gone."""
    found = Run.objects.filter(pk=pk).values_list("folder_key", "project").first()
    if found and found[0]:
        note_folder(found[0], found[1], _bytes(found[0]), run=pk)


def measure_missed() -> int:
    """Measure what never was (it is older than quotas, or a worker was lost), and runs that grow; returns how many folders."""
    known = StoredFolder.objects.values("key")
    versions = Version.objects.exclude(storage_key="").exclude(storage_key__in=known).values_list("pk", flat=True)
    uploads = Version.objects.exclude(upload_key="").exclude(upload_key__in=known)
    grows = Q(state__in=ACTIVE_STATES) | ~Q(folder_key__in=known)
    runs = Run.objects.exclude(folder_key="").filter(grows).values_list("pk", flat=True)
    amount = 0
    for pk in list(versions):
        measure_version(pk)
        amount += 1
    for pk, key, project in list(uploads.values_list("pk", "upload_key", "dataset__project")):
        note_folder(key, project, _bytes(key), version=pk)
        amount += 1
    for pk in list(runs):
        measure_run(pk)
        amount += 1
    return amount


def count_work(project: int, seconds: float) -> None:
    """Add to what workers spent on the project's runs in this month; call it in the transaction that ends an attempt."""
    month, _ = MonthOfWork.objects.get_or_create(project_id=project, month=this_month())
    MonthOfWork.objects.filter(pk=month.pk).update(seconds=F("seconds") + max(0.0, seconds))


def _bytes(key: str) -> int:
    return sum(size for _, size in list_files(key))
