from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from engine.errors import DataError, SpecError
from engine.spec import FilterSpec
from tests.webapp.people import People
from webapp.datasets.actions import create_dataset, create_version
from webapp.datasets.models import Dataset, Version

TEXT = b"user_id,item_id,timestamp\n1,2,3\n"


def stored(settings: Settings) -> list[str]:
    root = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_files_are_stored_and_the_worker_is_asked(
    people: People, settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    dataset = create_dataset(people.project, people.alice, "Beauty")
    with django_capture_on_commit_callbacks() as callbacks:
        first = create_version(dataset, people.alice, ContentFile(TEXT), ContentFile(TEXT), {"core": 3})
        second = create_version(dataset, people.alice, ContentFile(TEXT), None, {})
    assert len(callbacks) == 2
    assert (first.number, second.number) == (1, 2)
    assert first.state == "queued"
    assert first.filters == FilterSpec(core=3).model_dump(mode="json")
    assert second.filters["core"] == 5
    expected = [f"{first.upload_key}/interactions.csv", f"{first.upload_key}/items.csv", f"{second.upload_key}/interactions.csv"]
    assert stored(settings) == sorted(expected)


def test_nothing_is_left_of_what_is_refused(people: People, settings: Settings) -> None:
    dataset = create_dataset(people.project, people.alice, "Beauty")
    with pytest.raises(DataError, match="items file is empty"):
        create_version(dataset, people.alice, ContentFile(TEXT), ContentFile(b""), {})
    with pytest.raises(SpecError, match="core: got -1, must be 0 or more"):
        create_version(dataset, people.alice, ContentFile(TEXT), None, {"core": -1})
    dataset.delete()
    with pytest.raises(Dataset.DoesNotExist):
        create_version(Dataset(pk=0, project=people.project), people.alice, ContentFile(TEXT), None, {})
    assert stored(settings) == []
    assert not Version.objects.exists()


def test_a_name_is_taken_once_a_project(people: People) -> None:
    create_dataset(people.project, people.alice, "Beauty")
    with pytest.raises(DataError, match="has a dataset 'Beauty' already"):
        create_dataset(people.project, people.alice, "Beauty")
    create_dataset(people.charlie.projects.get(), people.charlie, "Beauty")
