from django.test import Client

from tests.webapp.people import HOSTILE, People, make_version
from webapp.datasets.models import Dataset, Version


def test_empty(alice: Client, bob: Client) -> None:
    assert "Upload one" in alice.get("/datasets").content.decode()
    assert "/datasets/new" not in bob.get("/datasets").content.decode()


def test_rows_with_counts_and_states(alice: Client, people: People, version: Version) -> None:
    make_version(people, "Broken", state="failed", users=None, items=None, interactions=None)
    Dataset.objects.create(project=people.project, name=HOSTILE, generated=True)
    body = alice.get("/datasets").content.decode()
    for text in ("Beauty", "9,120", "✓", "ready", "✕", "failed", "core 5", "generated", "no version yet"):
        assert text in body, text
    assert "<script>alert" not in body
    assert "{{ 7*7 }}" in body


def test_charlie_sees_none(charlie: Client, version: Version) -> None:
    assert "Beauty" not in charlie.get("/datasets").content.decode()


def test_detail(alice: Client, bob: Client, charlie: Client, people: People, version: Version) -> None:
    make_version(people)
    address = f"/datasets/{version.dataset_id}"
    body = bob.get(address).content.decode()
    assert "v1" in body
    assert "v2" in body
    assert "Upload a version" not in body
    assert "Upload a version" in alice.get(address).content.decode()
    assert charlie.get(address).status_code == 404


def test_generated_data_is_labelled(alice: Client, people: People, version: Version) -> None:
    Dataset.objects.update(generated=True)
    assert "made by a program" in alice.get(f"/datasets/{version.dataset_id}").content.decode()
