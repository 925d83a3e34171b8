from django.test import Client

from tests.webapp.people import People, make_version
from webapp.audit.models import AuditEntry
from webapp.curation.drafts import NewEdit, put_edits
from webapp.curation.models import EditKind
from webapp.datasets.models import Dataset, Question, Version


def test_changes_of_a_dataset_are_recorded(alice: Client, version: Version) -> None:
    page = f"/admin/datasets/dataset/{version.dataset_id}/change/"
    values = {"name": "Beauty 2014", "description": "", "source": "", "licence": "", "purpose": "", "contact": ""}
    assert alice.post(page, {**values, "known_faults": ""}).status_code == 302
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.before, entry.after) == ("dataset.changed", {"name": "Beauty"}, {"name": "Beauty 2014"})


def test_only_an_empty_dataset_is_deleted_and_that_is_recorded(alice: Client, people: People, version: Version) -> None:
    one, two = (Dataset.objects.create(project=people.project, name=name) for name in ("Empty", "Void"))
    alice.post(f"/admin/datasets/dataset/{one.pk}/delete/", {"post": "yes"})
    action = {"action": "delete_selected", "_selected_action": [str(two.pk)], "post": "yes"}
    alice.post("/admin/datasets/dataset/", action)
    alice.post("/admin/datasets/dataset/", {**action, "_selected_action": [str(version.dataset_id)]})
    assert list(Dataset.objects.all()) == [version.dataset]
    entries = AuditEntry.objects.order_by("pk").values_list("action", "object_id", "object_name")
    assert list(entries) == [("dataset.deleted", one.pk, "Empty"), ("dataset.deleted", two.pk, "Void")]


def test_versions_are_reviewed_there(alice: Client, people: People, version: Version) -> None:
    failed = make_version(people, state="failed")
    chosen = [str(version.pk), str(failed.pk)]
    response = alice.post("/admin/datasets/version/", {"action": "approve", "_selected_action": chosen}, follow=True)
    assert "is not ready" in response.content.decode()
    version.refresh_from_db()
    assert (version.review, version.reviewed_by) == ("approved", people.alice)
    alice.post("/admin/datasets/version/", {"action": "archive", "_selected_action": chosen})
    version.refresh_from_db()
    assert version.review == "archived"


def test_the_rest_is_only_looked_at(alice: Client, people: People, version: Version) -> None:
    Question.objects.create(version=version, kind="profile")
    draft = put_edits(version, people.alice, [NewEdit(EditKind.EXCLUDE_USER, "u")])
    for path in ("datasets/question", "curation/draft", "curation/draftedit", "curation/catalogueitem"):
        assert alice.get(f"/admin/{path}/").status_code == 200
        assert alice.get(f"/admin/{path}/add/").status_code == 403
    assert alice.post(f"/admin/curation/draft/{draft.pk}/delete/", {"post": "yes"}).status_code == 403
