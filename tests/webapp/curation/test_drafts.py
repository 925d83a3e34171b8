import pytest
from django.test import Client

from engine.data.edits import Edits
from engine.errors import DataError
from tests.webapp.curation.rows import address
from tests.webapp.people import HOSTILE, People
from webapp.audit.models import AuditEntry
from webapp.curation import drafts
from webapp.curation.drafts import NewEdit, edits_of, open_draft, put_edits, take_out
from webapp.curation.models import Draft, DraftEdit, EditKind
from webapp.datasets.deriving import derive_version
from webapp.datasets.models import Version

MERGE = NewEdit(EditKind.MERGE, "b", {"into": "a"})
LEAVE = NewEdit(EditKind.EXCLUDE_USER, "u7")


def test_an_edit_replaces_one_of_its_kind(people: People, version: Version) -> None:
    put_edits(version, people.alice, [NewEdit(EditKind.CHANGE, "a", {"title": "One"}), LEAVE])
    draft = put_edits(version, people.alice, [NewEdit(EditKind.CHANGE, "a", {"categories": ["Film"]})])
    change = edits_of(draft).changes[0]
    assert (change.title, change.categories) == (None, ("Film",))
    assert Draft.objects.get() == open_draft(version) == draft


def test_what_does_not_fit_together_changes_nothing(people: People, version: Version) -> None:
    draft = put_edits(version, people.alice, [MERGE])
    with pytest.raises(DataError, match="'b' is both merged into 'a' and left out"):
        put_edits(version, people.alice, [LEAVE, NewEdit(EditKind.EXCLUDE_ITEM, "b")])
    assert draft.edits.get().kind == EditKind.MERGE
    assert AuditEntry.objects.count() == 1


def test_a_draft_has_a_limit(people: People, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "MOST_EDITS", 1)
    with pytest.raises(DataError, match="at most 1 edits"):
        put_edits(version, people.alice, [MERGE, LEAVE])
    assert not DraftEdit.objects.exists()


def test_every_change_of_a_draft_is_recorded_and_users_are_only_counted(people: People, version: Version) -> None:
    draft = put_edits(version, people.alice, [MERGE, LEAVE])
    take_out(version, people.alice, draft.edits.all())
    put, taken = AuditEntry.objects.order_by("pk")
    merge = {"kind": "merge", "item": "b", "into": "a"}
    assert (put.before, put.after) == ({"edits": 0, "items": [], "users": 0}, {"edits": 2, "items": [merge], "users": 1})
    assert (taken.before, taken.after) == (put.after, put.before)
    assert "u7" not in str(put.after)


def test_making_the_version(alice: Client, people: People, curated: Version) -> None:
    put_edits(curated, people.alice, [MERGE, LEAVE, NewEdit(EditKind.CHANGE, "d", {"title": HOSTILE})])
    body = alice.get(address(curated, "/draft")).content.decode()
    for text in ("merged into a", "u7", "title changed", "Changed items", "Make a new version"):
        assert text in body, text
    assert "<script>alert" not in body
    response = alice.post(address(curated, "/draft"), {"action": "make", "core": "2"})
    made = curated.children.get()
    assert response["Location"] == f"/datasets/{made.dataset_id}/versions/2"
    assert (made.state, made.upload_key, made.filters["core"]) == ("queued", "", 2)
    assert Edits.model_validate(made.edits).summary() == {
        "changed items": 1,
        "merged items": 1,
        "excluded items": 0,
        "excluded users": 1,
    }
    assert open_draft(curated) is None
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["draft.edited", "version.created", "draft.made"]
    Version.objects.update(state="ready")
    assert "by changed items: 1, merged items: 1, excluded users: 1, core 2" in alice.get(response["Location"]).content.decode()


def test_a_draft_is_open_again_if_its_version_could_not_be_made(alice: Client, people: People, curated: Version) -> None:
    put_edits(curated, people.alice, [LEAVE])
    alice.post(address(curated, "/draft"), {"action": "make", "core": "0"})
    curated.children.update(state="failed", error="1 user of the edits is not in this version: u7.")
    body = alice.get(address(curated, "/draft")).content.decode()
    assert "v2 could not be made: 1 user of the edits is not in this version: u7." in body
    edit = DraftEdit.objects.get()
    alice.post(address(curated, "/draft"), {"action": "remove", "edit": edit.pk})
    draft = open_draft(curated)
    assert draft is not None
    assert not draft.edits.exists()
    assert "could not be made" not in alice.get(address(curated, "/draft")).content.decode()


def test_users_are_left_out(alice: Client, curated: Version) -> None:
    alice.post(address(curated, "/draft"), {"action": "users", "users": "u2\r\n\r\n u1 \r\nu2"})
    assert edits_of(open_draft(curated)).exclude_users == ("u1", "u2")
    response = alice.post(address(curated, "/draft"), {"action": "users", "users": "u\x001"})
    assert response.status_code == 422


def test_an_empty_draft_makes_nothing(alice: Client, curated: Version) -> None:
    response = alice.post(address(curated, "/draft"), {"action": "make", "core": "0"})
    assert response.status_code == 422
    assert "Nothing would change" in response.content.decode()
    assert not curated.children.exists()
    assert "The draft is empty" in alice.get(address(curated, "/draft")).content.decode()


def test_a_version_that_is_not_ready_has_no_children(people: People, version: Version) -> None:
    version.state = "failed"
    with pytest.raises(DataError, match="is not ready"):
        derive_version(version, people.alice, edits=Edits(exclude_users=("u",)))
