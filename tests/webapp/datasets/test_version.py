from django.test import Client

from tests.webapp.people import HOSTILE, People, make_version
from webapp.datasets.models import Version

MANIFEST = {
    "time": "real",
    "statistics": {
        "shortest": 5,
        "median": 9.0,
        "longest": 204,
        "density": 0.00073,
        "repeat_share": 0.0021,
        "unused_items": 3,
        "first_time": 0,
        "last_time": 86400,
    },
    "filters": [
        {
            "name": "k-core",
            "settings": {"core": 5},
            "interactions_removed": 1234,
            "users_removed": 7,
            "items_removed": 8,
            "note": "n",
        }
    ],
    "sources": {"interactions.csv": "ef" * 32},
}


def address(version: Version) -> str:
    return f"/datasets/{version.dataset_id}/versions/{version.number}"


def test_ready(alice: Client, bob: Client, people: People) -> None:
    version = make_version(people, manifest=MANIFEST, notices=[f"title {HOSTILE}"])
    body = alice.get(address(version)).content.decode()
    for text in ("600", "9,120", version.hash, "1970-01-01 to 1970-01-02", "median 9", "k core", "1,234", "efefefefefef"):
        assert text in body, text
    assert f"/runs/new?version={version.pk}" in body
    assert "<script>alert" not in body
    assert "hx-get" not in body
    assert "/runs/new" not in bob.get(address(version)).content.decode()


def test_failed_says_what_and_what_to_do(alice: Client, people: People) -> None:
    version = make_version(people, state="failed", error="required column item_id is missing", hint="Add the column.")
    body = alice.get(address(version)).content.decode()
    assert body.index("required column item_id is missing") < body.index("Add the column.")
    assert f"/datasets/{version.dataset_id}/upload" in body


def test_polling_ends(alice: Client, people: People) -> None:
    version = make_version(people, state="queued")
    body = alice.get(address(version)).content.decode()
    assert 'hx-trigger="every 2s"' in body
    assert "Without JavaScript: reload" in body
    poll = {"HX-Request": "true"}
    assert alice.get(address(version), headers=poll).status_code == 200
    Version.objects.update(state="ingesting")
    assert "reads and checks" in alice.get(address(version), headers=poll).content.decode()
    Version.objects.update(state="ready")
    response = alice.get(address(version), headers=poll)
    assert response.status_code == 286
    assert b"<html" not in response.content
    assert "New experiment" in response.content.decode()


def test_charlie_gets_404(charlie: Client, version: Version) -> None:
    assert charlie.get(address(version)).status_code == 404
