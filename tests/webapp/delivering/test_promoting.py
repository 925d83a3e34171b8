"""Promoting: who may, what is kept, what may not be deleted, and the way back."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from engine.errors import UserError
from tests.webapp.people import HOSTILE, People, finish, make_run, make_version
from webapp.audit.models import AuditEntry
from webapp.datasets.deleting import delete_version
from webapp.datasets.models import Version, VersionState
from webapp.delivering.models import Promotion
from webapp.delivering.promoting import current_of, promote_run, return_to_former
from webapp.experiments.bulk import change_many, deletable
from webapp.experiments.models import Run


def test_a_curator_promotes_and_everybody_sees_it(people: People, bob: Client, run: Run) -> None:
    curator = people.client("alice", "curator")
    response = curator.post(f"/runs/{run.pk}/promote", {"note": HOSTILE})
    dataset = run.version.dataset
    assert response["Location"] == f"/datasets/{dataset.pk}/model"
    promotion = Promotion.objects.get()
    assert (promotion.dataset, promotion.run, promotion.by, promotion.note) == (dataset, run, people.alice, HOSTILE)
    entry = AuditEntry.objects.get(action="model.promoted")
    assert (entry.object_id, entry.before, entry.after) == (dataset.pk, {"model": None}, {"model": str(run), "note": HOSTILE})
    for address in (f"/runs/{run.pk}", f"/datasets/{dataset.pk}", f"/datasets/{dataset.pk}/model"):
        body = bob.get(address).content.decode()
        assert "urrent model" in body
        assert "<script>alert" not in body
        assert 'id="promote"' not in body
        assert 'id="go-back"' not in body
    assert 'id="current-model"' in bob.get(f"/runs/{run.pk}").content.decode()


@pytest.mark.parametrize("role", ["viewer", "researcher"])
def test_others_may_not(people: People, role: str, run: Run) -> None:
    client = people.client("bob", role)
    assert client.post(f"/runs/{run.pk}/promote").status_code == 403
    assert client.post(f"/datasets/{run.version.dataset_id}/model/return").status_code == 403
    assert 'id="promote"' not in client.get(f"/runs/{run.pk}").content.decode()
    assert not Promotion.objects.exists()


def test_strangers_see_nothing(charlie: Client, people: People, run: Run) -> None:
    promote_run(run, people.alice)
    assert charlie.post(f"/runs/{run.pk}/promote").status_code == 404
    for address in ("model", "model/return", "model/refresh"):
        path = f"/datasets/{run.version.dataset_id}/{address}"
        assert (charlie.get if address == "model" else charlie.post)(path).status_code == 404


def test_what_cannot_be_promoted_is_refused_in_words(alice: Client, people: People, version: Version, run: Run) -> None:
    with pytest.raises(UserError, match="no trained model"):
        promote_run(make_run(version), people.alice)
    with pytest.raises(UserError, match="501 characters"):
        promote_run(run, people.alice, "x" * 501)
    Version.objects.filter(pk=version.pk).update(state=VersionState.DELETED)
    with pytest.raises(UserError, match="is deleted"):
        promote_run(run, people.alice)
    response = alice.post(f"/runs/{run.pk}/promote", follow=True)
    assert "is deleted" in response.content.decode()


def test_history_and_the_way_back(alice: Client, people: People, version: Version, run: Run) -> None:
    other = finish(make_run(version))
    for one in (run, run, other):
        promote_run(one, people.alice)
    dataset = version.dataset
    assert list(Promotion.objects.order_by("pk").values_list("run_number", flat=True)) == [run.pk, other.pk]
    assert f"Go back to run-{run.pk}" in alice.get(f"/datasets/{dataset.pk}/model").content.decode()
    alice.post(f"/datasets/{dataset.pk}/model/return")
    current = current_of(dataset)
    assert current is not None
    assert (current.run_number, current.note) == (run.pk, f"back from run-{other.pk}")
    assert Promotion.objects.filter(superseded_at=None).count() == 1
    assert return_to_former(dataset, people.alice).run_number == other.pk
    assert Promotion.objects.count() == 4


def test_there_is_no_way_back_from_the_first(people: People, run: Run) -> None:
    promote_run(run, people.alice)
    with pytest.raises(UserError, match="no other model"):
        return_to_former(run.version.dataset, people.alice)


def test_the_database_knows_one_current_model(people: People, run: Run) -> None:
    promote_run(run, people.alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        Promotion.objects.create(dataset=run.version.dataset, run=run, run_number=run.pk)


def test_models_in_use_are_not_deleted(people: People, version: Version) -> None:
    later = make_version(people)
    runs = [finish(make_run(one)) for one in (version, version, later)]
    for one in runs:
        promote_run(one, people.alice)
    ids = [one.pk for one in runs]
    assert deletable(people.project, people.alice, ids).done == ids[:1]
    outcome = change_many(people.project, people.alice, "delete", ids)
    assert outcome.done == ids[:1]
    name = version.dataset.name
    assert outcome.reasons == [
        f"run-{ids[1]} was left out: {name} can go back to it with one click; promote another run first.",
        f"run-{ids[2]} was left out: it is the current model of {name}.",
    ]
    for held, number in ((version, ids[1]), (later, ids[2])):
        with pytest.raises(UserError, match=rf"needed by run-{number} \(a model in use\)"):
            delete_version(held, people.alice)
    # What was promoted long ago is still in the history, by its number.
    assert Promotion.objects.get(run_number=ids[0]).run is None
    client = people.client("bob")
    assert f'run-{ids[0]} <span class="quiet">deleted' in client.get(f"/datasets/{version.dataset_id}/model").content.decode()


def test_pages_ask_few_queries(
    alice: Client, people: People, version: Version, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(4):
        promote_run(finish(make_run(version)), people.alice)
    run = Run.objects.latest("pk")
    make_version(people)
    for address in (f"/datasets/{version.dataset_id}/model", f"/datasets/{version.dataset_id}", f"/runs/{run.pk}"):
        with django_assert_max_num_queries(10):
            assert alice.get(address).status_code == 200


def test_a_dataset_without_a_model_says_how_to_get_one(alice: Client, version: Version) -> None:
    assert "No run is the current model" in alice.get(f"/datasets/{version.dataset_id}/model").content.decode()
    assert 'id="model"' not in alice.get(f"/datasets/{version.dataset_id}").content.decode()
