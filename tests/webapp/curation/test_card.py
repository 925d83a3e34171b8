from django.test import Client

from tests.webapp.people import HOSTILE, People
from webapp.audit.models import AuditEntry
from webapp.datasets.models import Version

CARD = {"source": f"The shop {HOSTILE}", "licence": "internal", "purpose": "", "contact": "", "known_faults": "No\r\ntitles"}


def test_the_card_is_shown_and_escaped(alice: Client, bob: Client, version: Version) -> None:
    page = f"/datasets/{version.dataset_id}"
    assert "Nobody has written" in bob.get(page).content.decode()
    assert alice.post(f"{page}/card", CARD)["Location"] == page
    body = bob.get(page).content.decode()
    for text in ("The shop", "internal", "Known faults", "not said"):
        assert text in body, text
    assert "<script>alert" not in body
    assert f"{page}/card" not in body
    assert f"{page}/card" in alice.get(page).content.decode()
    assert "internal" in alice.get(f"{page}/card").content.decode()


def test_changes_are_recorded_once(alice: Client, version: Version) -> None:
    page = f"/datasets/{version.dataset_id}/card"
    alice.post(page, CARD)
    alice.post(page, CARD)
    alice.post(page, {**CARD, "licence": "CC0"})
    first, second = AuditEntry.objects.order_by("pk")
    assert (first.action, set(first.after or {})) == ("dataset.card-edited", {"source", "licence", "known_faults"})
    assert (second.before, second.after) == ({"licence": "internal"}, {"licence": "CC0"})


def test_only_curators(people: People, charlie: Client, version: Version) -> None:
    page = f"/datasets/{version.dataset_id}/card"
    for client, status in ((people.client("bob", "researcher"), 403), (charlie, 404)):
        assert client.get(page).status_code == status
        assert client.post(page, CARD).status_code == status
    assert people.client("bob", "curator").get(page).status_code == 200
    version.dataset.refresh_from_db()
    assert version.dataset.source == ""
