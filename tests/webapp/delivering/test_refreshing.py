"""Refreshing a model: the same on newer data, then a look at both, then perhaps a promotion."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from engine.errors import UserError
from tests.webapp.delivering.test_refitting import finished_refit
from tests.webapp.people import HOSTILE, People, finish, make_version
from webapp.datasets.models import Review, Version, VersionState
from webapp.delivering.models import Refresh
from webapp.delivering.promoting import promote_run
from webapp.delivering.refreshing import refit_refreshed, start_refresh
from webapp.experiments.models import Run, RunState

LEAK = {"check": "counts-in-column", "severity": "serious", "title": f"views {HOSTILE}", "text": "", "column": "views"}


@pytest.fixture
def newer(people: People, run: Run) -> Version:
    """A version after the current model's."""
    promote_run(run, people.alice)
    return make_version(people)


def page(client: Client, run: Run) -> str:
    return client.get(f"/datasets/{run.version.dataset_id}/model").content.decode()


def test_the_same_is_trained_on_the_newer_version(alice: Client, run: Run, newer: Version) -> None:
    assert "Train the same on v2" in page(alice, run)
    assert "v2 is newer" in alice.get(f"/datasets/{newer.dataset_id}").content.decode()
    for _ in range(2):
        alice.post(f"/datasets/{newer.dataset_id}/model/refresh")
    refresh = Refresh.objects.get()
    assert (refresh.run.version, refresh.run.spec, refresh.run.state) == (newer, run.spec, RunState.QUEUED)
    body = page(alice, run)
    assert f'href="/runs/{refresh.run.pk}"' in body
    assert 'hx-trigger="every 3s"' in body
    assert 'id="promote"' not in body
    finish(refresh.run, ndcg=0.0612)
    body = page(alice, run)
    assert "Different versions never share a protocol" in body
    assert ".0571" in body
    assert ".0612" in body
    assert "<script>alert" not in body
    assert f"Promote run-{refresh.run.pk}" in body
    alice.post(f"/runs/{refresh.run.pk}/promote", {"note": "refresh on v2"})
    assert "is newer" not in page(alice, run)


def test_a_refit_is_followed_by_a_refit(people: People, alice: Client, run: Run) -> None:
    refit = finished_refit(run)
    promote_run(refit, people.alice)
    make_version(people)
    refresh = start_refresh(run.version.dataset, people.alice)
    assert refresh.with_refit
    finish(refresh.run)
    refit_refreshed(refresh.run.pk)
    refit_refreshed(refresh.run.pk)
    refresh.refresh_from_db()
    assert refresh.refit is not None
    assert (refresh.refit.refits_id, refresh.refit.state) == (refresh.run.pk, RunState.QUEUED)
    assert "on all interactions." in page(alice, run)
    Run.objects.filter(pk=refresh.refit.pk).update(state=RunState.SUCCEEDED, protocol={"split": "everything"})
    body = page(alice, run)
    assert f"Promote run-{refresh.refit.pk}" in body
    assert f"{run} refitted" in body.replace("</a>", "")


def test_a_refit_that_failed_is_made_again_without_training_twice(people: People, run: Run) -> None:
    promote_run(finished_refit(run), people.alice)
    make_version(people)
    refresh = start_refresh(run.version.dataset, people.alice)
    finish(refresh.run)
    refit_refreshed(refresh.run.pk)
    Run.objects.filter(refits=refresh.run).update(state=RunState.FAILED)
    again = start_refresh(run.version.dataset, people.alice)
    assert (again.pk, again.run) == (refresh.pk, refresh.run)
    assert again.refit is not None
    assert again.refit.state == RunState.QUEUED


def test_a_failure_says_why_and_may_be_tried_again(alice: Client, people: People, run: Run, newer: Version) -> None:
    refresh = start_refresh(newer.dataset, people.alice)
    Run.objects.filter(pk=refresh.run.pk).update(state=RunState.FAILED, error=f"No {HOSTILE}.", hint="Send it again.")
    body = page(alice, run)
    assert "Send it again." in body
    assert "<script>alert" not in body
    alice.post(f"/datasets/{newer.dataset_id}/model/refresh")
    assert Refresh.objects.count() == 2


def test_serious_leaks_are_acknowledged_first(alice: Client, people: People, run: Run, newer: Version) -> None:
    Version.objects.filter(pk=newer.pk).update(leakage={"findings": [LEAK], "clean": [], "users": 3})
    body = page(alice, run)
    assert 'name="acknowledge_leakage"' in body
    assert "<script>alert" not in body
    response = alice.post(f"/datasets/{newer.dataset_id}/model/refresh", follow=True)
    assert "has serious leaks" in response.content.decode()
    assert not Refresh.objects.exists()
    alice.post(f"/datasets/{newer.dataset_id}/model/refresh", {"acknowledge_leakage": "yes"})
    assert Refresh.objects.get().run.acknowledged


def test_who_may_and_what_must_be_there(bob: Client, people: People, run: Run) -> None:
    dataset = run.version.dataset
    with pytest.raises(UserError, match="no current model"):
        start_refresh(dataset, people.alice)
    promote_run(run, people.alice)
    for values in ({}, {"review": Review.ARCHIVED}, {"review": Review.REJECTED}, {"state": VersionState.FAILED}):
        if values:
            make_version(people, **values)
        with pytest.raises(UserError, match="no version that is newer"):
            start_refresh(dataset, people.alice)
    make_version(people)
    assert bob.post(f"/datasets/{dataset.pk}/model/refresh").status_code == 403
    assert "Train the same" not in page(bob, run)


def test_still_newer_data_ask_anew(alice: Client, people: People, run: Run, newer: Version) -> None:
    finish(start_refresh(newer.dataset, people.alice).run)
    make_version(people)
    assert "Train the same on v3" in page(alice, run)
    assert start_refresh(newer.dataset, people.alice).version.number == 3


def test_the_comparison_asks_few_queries(
    alice: Client, people: People, run: Run, newer: Version, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    finish(start_refresh(newer.dataset, people.alice).run)
    for address in (f"/datasets/{newer.dataset_id}/model", f"/datasets/{newer.dataset_id}"):
        with django_assert_max_num_queries(10):
            alice.get(address)
    response = alice.get(f"/datasets/{newer.dataset_id}/model", headers={"HX-Request": "true"})
    assert response.status_code == 286
