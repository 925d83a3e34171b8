"""From a complete upload to a queued version, and away with one that nobody wants."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from engine.data.mapping.model import parse_mapping
from engine.errors import DataError
from webapp.audit.trail import record
from webapp.datasets.actions import create_dataset, parse_filters, queue_version
from webapp.datasets.models import SavedMapping, Upload, Version, VersionState
from webapp.datasets.uploads import is_complete
from webapp.quotas.measuring import note_folder
from webapp.storage import delete_folder

DISCARDABLE = (VersionState.QUEUED, VersionState.INGESTING, VersionState.FAILED)


def start_version(upload: Upload, user: User, filters: dict[str, Any], mapping: dict[str, Any] | None = None) -> Version:
    """Queue a version that a worker will read from the files of ``upload``.

    Args:
        filters: ``engine.spec.FilterSpec`` as a dictionary.
        mapping: ``engine.data.mapping.model.Mapping`` likewise; None where the columns have our names or a layout is known.
            It is kept with the dataset, to be used again.

    Raises:
        DataError: parts are missing, the upload has become a version already, or the name is taken by now.
        SpecError: a filter or the mapping has a wrong value.
    """
    checked = parse_filters(filters)
    meaning = parse_mapping(mapping).model_dump(mode="json") if mapping is not None else None
    if not is_complete(upload):
        raise DataError("Parts of the files are missing.", "Send the rest, or cancel the upload.")
    with transaction.atomic():
        mine = Upload.objects.select_for_update().filter(pk=upload.pk, version=None).first()
        if mine is None:
            raise DataError("The upload was cancelled, or has become a version already.", "Look at the list of datasets.")
        target = mine.dataset or create_dataset(mine.project, user, mine.name)
        version = queue_version(target, user, checked, upload_key=mine.folder)
        note_folder(mine.folder, mine.project_id, sum(mine.files.values_list("size", flat=True)), version=version.pk)
        mine.version, mine.dataset, mine.mapping = version, target, meaning
        mine.save()
        if meaning is not None:
            SavedMapping.objects.update_or_create(dataset=target, defaults={"mapping": meaning})
    return version


def discard_version(version: Version, user: User) -> None:
    """Remove a version that is not ready, at any time: its row, its upload, and its dataset if nothing else is in it.

    A worker that reads it notices within a heartbeat, stops and takes away what it has written.

    Raises:
        DataError: it is ready.
    """
    with transaction.atomic():
        mine = Version.objects.select_for_update().filter(pk=version.pk, state__in=DISCARDABLE).first()
        if mine is None:
            raise DataError(f"{version} is ready, or gone already.", "Look at the list of datasets.")
        key, dataset = mine.upload_key, mine.dataset
        record(user, dataset.project, "version.discarded", mine, before={"state": mine.state})
        mine.delete()
        if not dataset.versions.exists():
            record(user, dataset.project, "dataset.discarded", dataset, before={"name": dataset.name})
            dataset.delete()
    if key:
        delete_folder(key)
