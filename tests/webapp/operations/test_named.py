"""What rows name of the storage: no field is forgotten, and only what must be there counts."""

import re

import pytest
from django.apps import apps
from django.db import models

from tests.webapp.people import People, make_run, make_version
from webapp.datasets.models import Derived, DerivedState, Upload, UploadFile, UploadPart, VersionState
from webapp.delivering.models import ListsState, UserLists
from webapp.experiments.models import RunEvent, RunState
from webapp.operations.named import NAMING, named_folders

pytestmark = pytest.mark.django_db
_LOOKS_LIKE_ONE = re.compile(r"(^|_)(key|keys|stored|folder|file|object|location)$|storage")
NO_OBJECTS = {
    "accounts.FailedTry.key": "a keyed hash of who tried",
    "accounts.IdempotentRequest.key": "what the client calls its request",
    "comparing.RunComparison.key": "a hash of what is compared",
    "curation.CatalogueItem.title_key": "letters of a title",
    "quotas.StoredFolder.key": "how large a folder was that a version or a run names itself",
    "datasets.Upload.key": "its folder holds the parts, and each part names itself",
}
"""Fields that only sound like names of objects, and why."""


def test_every_field_that_holds_a_name_in_the_storage_is_counted() -> None:
    found = set()
    for model in apps.get_models():
        if not model.__module__.startswith("webapp."):
            continue
        for field in model._meta.get_fields():
            if not isinstance(field, models.CharField | models.TextField | models.UUIDField | models.FileField):
                continue
            if _LOOKS_LIKE_ONE.search(field.name) or "storage" in str(field.help_text) or isinstance(field, models.FileField):
                found.add(f"{model._meta.label}.{field.name}")
    assert found - set(NO_OBJECTS) == set(NAMING)
    assert set(NO_OBJECTS) <= found


def test_what_is_whole_names_its_objects_and_what_is_not_names_none(people: People) -> None:
    version = make_version(people, storage_key="versions/1", upload_key="uploads/1")
    make_version(people, number=2, state=VersionState.INGESTING, storage_key="versions/half", upload_key="")
    run = make_run(version, folder_key="runs/1", state=RunState.SUCCEEDED)
    going = make_run(version, folder_key="runs/2", state=RunState.RUNNING)
    RunEvent.objects.create(run=going, attempt=1, sequence=1, type="checkpoint", payload={}, created_at=run.created_at)
    make_run(version, folder_key="runs/new", state=RunState.QUEUED)
    Derived.objects.create(
        version=version, kind="csv", state=DerivedState.READY, storage_key="exports/1", asked_at=run.created_at
    )
    UserLists.objects.create(run=run, form="csv", k=5, state=ListsState.READY, storage_key="exports/2/lists.csv")
    UserLists.objects.create(run=run, form="csv", k=9, state=ListsState.MAKING)
    upload = Upload.objects.create(project=version.dataset.project, created_by=people.alice)
    file = UploadFile.objects.create(upload=upload, role="items", name="items.csv", size=3)
    UploadPart.objects.create(file=file, number=0, size=3, sha256="", stored="uploads/x/part-0")
    assert named_folders() == {
        "versions/1", "uploads/1", "runs/1", "runs/2", "exports/1", "exports/2/lists.csv", "uploads/x/part-0"
    }  # fmt: skip
