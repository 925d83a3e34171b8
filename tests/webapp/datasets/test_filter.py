from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.webapp.people import HOSTILE, People, make_version
from webapp.datasets.models import Question, Version

POLL = {"HX-Request": "true"}
COUNTS = {"users": 600, "items": 240, "interactions": 9120}
STEP = {
    "name": "exclude-users",
    "settings": {"ids": 2, "sha256": "ab" * 32},
    "interactions_removed": 20,
    "users_removed": 2,
    "items_removed": 0,
    "note": "",
}
ANSWER = {
    "before": COUNTS,
    "steps": [{"step": STEP, "after": {"users": 598, "items": 240, "interactions": 9100}}],
    "notices": [f"categories: {HOSTILE}"],
    "problem": "",
    "hint": "",
    "seconds": 0.0123,
}


def address(version: Version) -> str:
    return f"/datasets/{version.dataset_id}/versions/{version.number}/filter"


def form(action: str = "preview", **changes: Any) -> dict[str, Any]:
    return {"core": "0", "sample_seed": "0", "action": action, **changes}


def asked(client: Client, version: Version, **changes: Any) -> Question:
    assert client.post(address(version), form(**changes)).status_code == 302
    return Question.objects.latest("pk")


def test_every_filter_has_a_field(alice: Client, version: Version) -> None:
    body = alice.get(address(version)).content.decode()
    for name in ("core", "minimum_rating", "after", "before", "categories", "without_categories", "exclude_users"):
        assert f'name="{name}"' in body
    for name in ("exclude_items", "exclude_items_file", "exclude_users_file", "sample_users", "sample_seed"):
        assert f'name="{name}"' in body
    assert "Make this version" in body


def test_a_preview_is_asked_and_polled_until_it_is_there(alice: Client, version: Version) -> None:
    question = asked(alice, version, core="5", categories='Bath, "Hair, Skin"')
    assert question.settings["filters"]["core"] == 5
    assert question.settings["filters"]["categories"] == ["Bath", "Hair, Skin"]
    shown = f"{address(version)}?question={question.pk}"
    body = alice.get(shown).content.decode()
    assert 'value="5"' in body
    assert 'hx-trigger="every 1s"' in body
    assert alice.get(shown, headers=POLL).status_code == 200
    Question.objects.update(state="answered", answer=ANSWER)
    response = alice.get(shown, headers=POLL)
    assert response.status_code == 286
    body = response.content.decode()
    for text in ("598", "of 600 users", "9,100", "99.8 %", "exclude users", "ids 2", "Counted in 0.012 s"):
        assert text in body, text
    assert "<script>alert" not in body
    assert "abab" not in body
    assert "<html" not in body


def test_a_preview_says_what_keeps_it_from_becoming_a_version(alice: Client, version: Version) -> None:
    question = asked(alice, version, core="99")
    Question.objects.update(state="answered", answer={**ANSWER, "problem": "Nothing is left.", "hint": "Lower filters.core."})
    body = alice.get(f"{address(version)}?question={question.pk}").content.decode()
    assert body.index("Nothing is left.") < body.index("Lower filters.core.")
    Question.objects.update(state="failed", error="No memory.", hint="Ask for more.")
    assert "No memory." in alice.get(f"{address(version)}?question={question.pk}").content.decode()


def test_making_it_queues_a_child_of_the_version(alice: Client, version: Version) -> None:
    ids = SimpleUploadedFile("ids.txt", "\ufeffu2\r\nu,3\n\n".encode())
    response = alice.post(address(version), form("make", core="3", exclude_users="u1", exclude_users_file=ids))
    made = version.children.get()
    assert response["Location"] == f"/datasets/{version.dataset_id}/versions/{made.number}"
    assert (made.state, made.number, made.upload_key) == ("queued", 2, "")
    assert made.filters["core"] == 3
    assert made.filters["exclude_users"] == ["u1", "u2", "u,3"]
    body = alice.get(response["Location"]).content.decode()
    assert "makes it from v1" not in body
    Version.objects.filter(pk=made.pk).update(state="ingesting")
    assert "makes it from v1" in alice.get(response["Location"]).content.decode()


def test_parent_and_child_name_each_other(alice: Client, version: Version) -> None:
    alice.post(address(version), form("make", core="3", exclude_users="a,b,c,d"))
    Version.objects.update(state="ready")
    parent, child = (f"/datasets/{version.dataset_id}/versions/{number}" for number in (1, 2))
    body = alice.get(child).content.decode()
    assert f'<a href="{parent}">v1</a> by core 3, exclude users (4)' in body
    assert f'<a href="{child}">v2</a>' in alice.get(parent).content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"core": "-1"}, "Got -1, must be 0 or more"),
        ({"minimum_rating": "many"}, "must be a number"),
        ({"after": "2020-02-02", "before": "2020-01-01"}, "must be earlier than before"),
        ({"after": "yesterday"}, "must be an ISO date"),
        ({"exclude_items_file": SimpleUploadedFile("ids.txt", b"\xff\xfe\x00")}, "no UTF-8 text"),
        ({"exclude_items_file": SimpleUploadedFile("ids.txt", b"x" * 2_000_001)}, "at most 1.9 MB|at most 2 MB|at most 1,953"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(alice: Client, version: Version, changes: dict[str, Any], words: str) -> None:
    response = alice.post(address(version), form("make", **changes))
    assert response.status_code == 422
    body = response.content.decode()
    assert any(word in body for word in words.split("|"))
    assert 'aria-invalid="true"' in body
    assert Version.objects.count() == 1


def test_nothing_to_filter_is_refused(alice: Client, version: Version) -> None:
    response = alice.post(address(version), form("make"))
    assert response.status_code == 422
    assert "Nothing would change." in response.content.decode()


def test_a_version_that_is_not_ready_has_nothing_to_filter(alice: Client, people: People) -> None:
    version = make_version(people, state="failed")
    assert alice.get(address(version)).status_code == 302
    assert alice.post(address(version), form("make", core="3")).status_code == 302
    assert not version.children.exists()


def test_roles(alice: Client, bob: Client, charlie: Client, people: People, version: Version) -> None:
    for client, status in ((bob, 403), (charlie, 404)):
        assert client.get(address(version)).status_code == status
        assert client.post(address(version), form("make", core="3")).status_code == status
    assert not version.children.exists()
    assert people.client("bob", "researcher").get(address(version)).status_code == 200
    # A preview of one version is none of another.
    question = asked(alice, version, core="3")
    other = make_version(people, "Games")
    assert alice.get(f"{address(other)}?question={question.pk}").status_code == 404
    assert alice.get(f"{address(version)}?question=x").status_code == 404
