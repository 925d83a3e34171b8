"""Which objects of the storage rows name: one rule a field, so that a back-up says what is missing of any of them."""

from collections.abc import Callable, Iterable

from django.db.models import Exists, OuterRef, Q

from webapp.datasets.models import Derived, DerivedState, UploadPart, Version, VersionState
from webapp.delivering.models import ListsState, UserLists
from webapp.experiments.models import Run, RunEvent, RunState

Names = Callable[[], Iterable[str]]


def _versions() -> Iterable[str]:
    return Version.objects.filter(state=VersionState.READY).values_list("storage_key", flat=True)


def _uploads() -> Iterable[str]:
    # They stay when the version is ready, for it can be read again with other filters; deleting a version empties the field.
    return Version.objects.values_list("upload_key", flat=True)


def _parts() -> Iterable[str]:
    return UploadPart.objects.values_list("stored", flat=True)


def _derived() -> Iterable[str]:
    return Derived.objects.filter(state=DerivedState.READY).values_list("storage_key", flat=True)


def _runs() -> Iterable[str]:
    checkpoint = Exists(RunEvent.objects.filter(run=OuterRef("pk"), type="checkpoint"))
    # One that has not reached a checkpoint has nothing yet, and begins anew.
    return Run.objects.filter(Q(state=RunState.SUCCEEDED) | checkpoint).values_list("folder_key", flat=True)


def _lists() -> Iterable[str]:
    return UserLists.objects.filter(state=ListsState.READY).values_list("storage_key", flat=True)


NAMING: dict[str, Names] = {
    "datasets.Version.storage_key": _versions,
    "datasets.Version.upload_key": _uploads,
    "datasets.UploadPart.stored": _parts,
    "datasets.Derived.storage_key": _derived,
    "experiments.Run.folder_key": _runs,
    "delivering.UserLists.storage_key": _lists,
}
"""By field: the keys in those rows that say that something must be there. A test finds fields that are forgotten here."""


def named_folders() -> set[str]:
    """The storage folders and files that rows which are whole name: something must be there."""
    return {key for keys in NAMING.values() for key in keys() if key}
