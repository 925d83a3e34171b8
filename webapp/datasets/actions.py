"""What people do with datasets: create them, and upload files that become versions."""

import uuid
from typing import Any

from django.contrib.auth.models import User
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Max

from engine.errors import DataError, SpecError
from engine.spec import FilterSpec, parse_spec
from webapp.accounts.models import Project
from webapp.audit.trail import record
from webapp.broker import INGEST_TASK, ask_or_wait
from webapp.datasets.content import checked_name
from webapp.datasets.models import Dataset, Version, VersionState
from webapp.quotas.measuring import note_folder
from webapp.quotas.room import require_room
from webapp.storage import delete_folder, taking


@transaction.atomic
def create_dataset(project: Project, user: User, name: str, description: str = "", *, generated: bool = False) -> Dataset:
    """A new, empty dataset; raises DataError if the project has one of that name."""
    if Dataset.objects.filter(project=project, name=name).exists():
        raise DataError(f"The project has a dataset '{name}' already.", "Choose another name, or add a version to it.")
    dataset = Dataset.objects.create(project=project, created_by=user, name=name, description=description, generated=generated)
    record(user, project, "dataset.created", dataset, after={"name": name, "description": description, "generated": generated})
    return dataset


def create_version(
    dataset: Dataset, user: User, interactions: "File[Any]", items: "File[Any] | None", filters: dict[str, Any]
) -> Version:
    """Store the two uploaded files and queue a version that a worker will read without a mapping.

    Args:
        interactions: the log: CSV, JSON Lines or Parquet with our column names, perhaps gzipped; or a zip archive of a layout
            that the engine knows.
        items: the catalogue's texts, likewise; None if there is none.
        filters: ``engine.spec.FilterSpec`` as a dictionary, e.g. ``{"core": 5}``.

    Raises:
        DataError: a file is empty or no text, or the disk is full; nothing is left behind.
        QuotaExceededError: the project may not store that much; likewise.
        SpecError: a filter has a wrong value.
    """
    checked = parse_filters(filters)
    key = f"uploads/{uuid.uuid4()}"
    names = {checked_name("interactions", interactions): interactions}
    if items is not None:
        names[checked_name("items", items)] = items
    try:
        for name, file in names.items():
            with taking(f"the file {name}"):
                default_storage.save(f"{key}/{name}", file)
        with transaction.atomic():
            size = sum(file.size for file in names.values())
            require_room(dataset.project_id, new_bytes=size)
            version = queue_version(dataset, user, checked, upload_key=key)
            note_folder(key, dataset.project_id, size, version=version.pk)
    except BaseException:
        delete_folder(key)
        raise
    return version


@transaction.atomic
def queue_version(dataset: Dataset, user: User, filters: FilterSpec, **values: Any) -> Version:
    """The next version of ``dataset``, which a worker will make; ``values`` are further columns: where it comes from."""
    locked = Dataset.objects.select_for_update().get(pk=dataset.pk)
    last = locked.versions.aggregate(last=Max("number"))["last"] or 0
    version = Version.objects.create(
        dataset=dataset,
        number=last + 1,
        state=VersionState.QUEUED,
        filters=filters.model_dump(mode="json"),
        created_by=user,
        **values,
    )
    parent = version.parent
    made = {"filters": changed_filters(filters), "parent": str(parent) if parent else None}
    record(user, dataset.project, "version.created", version, after=made)
    transaction.on_commit(lambda: ask_or_wait(INGEST_TASK, version.pk))
    return version


def changed_filters(filters: FilterSpec) -> dict[str, Any]:
    """The filters that filter something, as they may be kept for ever: of lists of users and items only how long they are."""
    values = filters.model_dump(mode="json", exclude={"sample_seed"} if filters.sample_users is None else None)
    kept = {name: value for name, value in values.items() if value not in (None, 0, []) or name == "sample_seed"}
    return {name: len(value) if name in ("exclude_users", "exclude_items") else value for name, value in kept.items()}


def parse_filters(filters: dict[str, Any]) -> FilterSpec:
    """Validate filters; raises SpecError whose paths are the filters' names."""
    try:
        return parse_spec({"method": "popularity", "filters": filters}).filters
    except SpecError as error:
        raise SpecError([(path.removeprefix("filters."), problem) for path, problem in error.problems], error.hint) from error
