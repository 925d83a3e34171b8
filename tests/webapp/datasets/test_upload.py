import gzip
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from tests.webapp.people import People, make_version
from webapp.datasets.models import Dataset, Upload, UploadFile, Version
from webapp.datasets.pieces import open_file

TEXT = b"user_id,item_id,timestamp\n1,2,3\n"


def form(**changes: Any) -> dict[str, Any]:
    fields = {"name": "Beauty", "interactions": SimpleUploadedFile("i.csv", TEXT), "core": "5", **changes}
    return {name: value for name, value in fields.items() if value is not None}


def test_both_files_become_a_queued_version(alice: Client) -> None:
    items = SimpleUploadedFile("anything", gzip.compress(b"item_id,title\n2,Soap\n"))
    response = alice.post("/datasets/new", form(items=items, core="0"))
    version = Version.objects.get()
    assert response.status_code == 302
    assert response["Location"] == f"/datasets/{version.dataset_id}/versions/1"
    assert version.state == "queued"
    assert version.filters["core"] == 0
    assert version.dataset.created_by is not None


def test_a_file_too_large_for_memory_is_streamed_to_storage(alice: Client, settings: Settings) -> None:
    rows = TEXT + b"1,2,3\n" * 500_000
    assert len(rows) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE
    assert alice.post("/datasets/new", form(interactions=SimpleUploadedFile("i.csv", rows))).status_code == 302
    with open_file(UploadFile.objects.get()) as stored:
        assert stored.read() == rows


def test_a_further_version_needs_no_name(alice: Client, version: Version) -> None:
    address = f"/datasets/{version.dataset_id}/upload"
    assert 'name="name"' not in alice.get(address).content.decode()
    assert alice.post(address, form(name=None)).status_code == 302
    assert version.dataset.versions.count() == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"interactions": None}, "This field is required"),
        ({"interactions": SimpleUploadedFile("i.csv", b"")}, "The interactions file is empty"),
        ({"items": SimpleUploadedFile("i.csv", b"")}, "The items file is empty"),
        ({"interactions": SimpleUploadedFile("i.zip", b"PK\x03\x04x")}, "the archive is incomplete or damaged"),
        ({"core": "-1"}, "got -1, must be 0 or more"),
        ({"core": "many"}, "must be a whole number"),
    ],
)
def test_what_is_wrong_is_said_at_once_and_nothing_is_kept(alice: Client, changes: dict[str, Any], words: str) -> None:
    response = alice.post("/datasets/new", form(**changes))
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Dataset.objects.exists()
    assert not Upload.objects.exists()


def test_a_taken_name(alice: Client, people: People) -> None:
    make_version(people, "Beauty")
    response = alice.post("/datasets/new", form())
    assert response.status_code == 422
    assert "has a dataset &#x27;Beauty&#x27; already" in response.content.decode()


def test_too_large(alice: Client, settings: Settings) -> None:
    settings.UPLOAD_LIMIT_BYTES = 10
    response = alice.post("/datasets/new", form())
    assert response.status_code == 422
    assert "at most 10 B are allowed" in response.content.decode()


def test_viewers_are_told_which_role_it_needs(bob: Client, version: Version) -> None:
    for address in ("/datasets/new", f"/datasets/{version.dataset_id}/upload"):
        assert bob.get(address).status_code == 403
        response = bob.post(address, form())
        assert response.status_code == 403
        assert "needs the role researcher" in response.content.decode()
    assert Version.objects.count() == 1


def test_charlie_cannot_add_a_version(charlie: Client, version: Version) -> None:
    assert charlie.post(f"/datasets/{version.dataset_id}/upload", form()).status_code == 404
