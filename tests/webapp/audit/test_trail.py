import pytest
from django.db import DatabaseError, connection, transaction

from engine.spec import FilterSpec
from tests.webapp.people import People
from webapp.audit.models import AuditEntry
from webapp.audit.trail import differences, record
from webapp.datasets.actions import create_dataset, queue_version
from webapp.datasets.models import Dataset


@pytest.fixture
def entry(people: People) -> AuditEntry:
    create_dataset(people.project, people.alice, "Beauty")
    return AuditEntry.objects.get()


def test_an_entry_names_who_what_and_on_which_object(people: People, entry: AuditEntry) -> None:
    assert (entry.action, entry.username, entry.user_id) == ("dataset.created", "alice", people.alice.pk)
    assert (entry.object_type, entry.object_name, entry.project_id) == ("dataset", "Beauty", people.project.pk)
    assert entry.before is None
    assert entry.after == {"name": "Beauty", "description": "", "generated": False}


@pytest.mark.parametrize("change", ["UPDATE audit_auditentry SET username = 'eve'", "DELETE FROM audit_auditentry"])
def test_the_database_refuses_to_change_or_delete(entry: AuditEntry, change: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        entry.delete()
    entry.username = "eve"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        entry.save()
    assert AuditEntry.objects.get().username == "alice"


def test_an_entry_outlives_its_object_and_its_author(people: People, entry: AuditEntry) -> None:
    Dataset.objects.all().delete()
    people.alice.delete()
    assert AuditEntry.objects.get().object_name == "Beauty"


def test_what_is_undone_is_not_recorded(people: People) -> None:
    with transaction.atomic():
        create_dataset(people.project, people.alice, "Beauty")
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


def test_a_version_is_recorded_without_naming_excluded_users(people: People) -> None:
    dataset = create_dataset(people.project, people.alice, "Beauty")
    filters = FilterSpec(core=3, exclude_users=("secret",), categories=("Bath",))
    queue_version(dataset, people.alice, filters, upload_key="uploads/x")
    entry = AuditEntry.objects.latest("pk")
    assert entry.action == "version.created"
    assert entry.after == {"filters": {"core": 3, "exclude_users": 1, "categories": ["Bath"]}, "parent": None}


def test_only_differences_are_kept() -> None:
    assert differences({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == ({"b": 2, "c": None}, {"b": 3, "c": 4})


@pytest.mark.django_db(transaction=True)
def test_recording_needs_the_transaction_of_the_change(people: People) -> None:
    dataset = Dataset.objects.create(project=people.project, name="Beauty")
    with pytest.raises(RuntimeError, match="outside of the transaction"):
        record(people.alice, people.project, "dataset.changed", dataset)
