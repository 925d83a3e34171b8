"""Lists for everybody on pages: asked for once, followed, fetched by members alone."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from tests.webapp.people import HOSTILE, People, make_run
from webapp.datasets.models import Version
from webapp.delivering.lists import OPEN_AT_ONCE
from webapp.delivering.models import ListsState, UserLists
from webapp.experiments.models import Run

SENT = {"k": "5", "form": "csv", "seen": "keep"}


def test_a_file_is_asked_for_once_and_fetched(alice: Client, people: People, charlie: Client, run: Run) -> None:
    address = f"/runs/{run.pk}/everyone"
    for _ in range(2):
        assert alice.post(address, SENT)["Location"] == address
    lists = UserLists.objects.get()
    assert (lists.k, lists.form, lists.seen, lists.asked_by) == (5, "csv", "keep", people.alice)
    assert alice.get(f"{address}/{lists.pk}").status_code == 404
    part = alice.get(address, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "Queued" in part.content.decode()
    UserLists.objects.update(state=ListsState.MAKING, progress={"done": 300, "total": 600})
    assert "300 of 600 users, 50 %" in alice.get(address).content.decode()
    key = default_storage.save("exports/1/lists.csv", ContentFile(b"user,item\n"))
    UserLists.objects.update(state=ListsState.READY, storage_key=key, size=10, users=600, rows=3000, applied="keep")
    assert alice.get(address, headers={"HX-Request": "true"}).status_code == 286
    response = alice.get(f"{address}/{lists.pk}")
    assert b"".join(response) == b"user,item\n"
    assert f'filename="run-{run.pk}-top-5.csv"' in response["Content-Disposition"]
    assert charlie.get(f"{address}/{lists.pk}").status_code == 404
    assert charlie.get(address).status_code == 404
    other = make_run(run.version, "succeeded")
    assert alice.get(f"/runs/{other.pk}/everyone/{lists.pk}").status_code == 404


@pytest.mark.parametrize("wrong", [{"k": "0"}, {"k": "201"}, {"k": "x"}, {"k": "٣"}, {"form": "exe"}, {"seen": "maybe"}])
def test_wrong_values_are_said(alice: Client, run: Run, wrong: dict[str, str]) -> None:
    response = alice.post(f"/runs/{run.pk}/everyone", {**SENT, **wrong})
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()
    assert not UserLists.objects.exists()


def test_viewers_fetch_and_do_not_ask(bob: Client, run: Run) -> None:
    assert bob.post(f"/runs/{run.pk}/everyone", SENT).status_code == 403
    body = bob.get(f"/runs/{run.pk}/everyone").content.decode()
    assert 'id="make-lists"' not in body
    assert "No file has been made" in body


def test_a_run_without_a_model_is_refused(alice: Client, version: Version) -> None:
    run = make_run(version)
    assert "no trained model yet" in alice.get(f"/runs/{run.pk}/everyone").content.decode()
    assert alice.post(f"/runs/{run.pk}/everyone", SENT).status_code == 422


def test_trec_files_are_of_the_test_under_its_own_rules(alice: Client, run: Run) -> None:
    assert run.test
    assert alice.post(f"/runs/{run.pk}/everyone", {**SENT, "form": "trec"}).status_code == 302
    lists = UserLists.objects.get()
    assert (lists.form, lists.seen, lists.file_name) == ("trec", "protocol", f"run-{run.pk}-top-5.trec.zip")
    Run.objects.filter(pk=run.pk).update(test={})
    response = alice.post(f"/runs/{run.pk}/everyone", {**SENT, "k": "6", "form": "trec"})
    assert response.status_code == 422
    assert "was not tested" in response.content.decode()


@pytest.mark.parametrize("state", [ListsState.QUEUED, ListsState.MAKING])
def test_one_is_cancelled_and_may_be_made_anew(alice: Client, bob: Client, charlie: Client, run: Run, state: ListsState) -> None:
    address = f"/runs/{run.pk}/everyone"
    alice.post(address, SENT)
    UserLists.objects.update(state=state)
    lists = UserLists.objects.get()
    cancel = f"{address}/{lists.pk}/cancel"
    assert cancel in alice.get(address).content.decode()
    assert cancel not in bob.get(address).content.decode(), "viewers do not cancel"
    assert bob.post(cancel).status_code == 403
    assert charlie.post(cancel).status_code == 404
    assert alice.get(cancel).status_code == 405
    for _ in range(2):
        assert alice.post(cancel)["Location"] == address
        lists.refresh_from_db()
        assert lists.state == ListsState.CANCELLED
    finished = lists.finished_at
    assert finished is not None
    body = alice.get(address, headers={"HX-Request": "true"})
    assert (body.status_code, cancel in body.content.decode()) == (286, False)
    assert "Cancelled" in body.content.decode()
    assert alice.get(f"{address}/{lists.pk}").status_code == 404
    alice.post(address, SENT)
    assert UserLists.objects.count() == 2


def test_what_is_ready_stays_so(alice: Client, run: Run) -> None:
    address = f"/runs/{run.pk}/everyone"
    alice.post(address, SENT)
    UserLists.objects.update(state=ListsState.READY)
    answer = alice.post(f"{address}/{UserLists.objects.get().pk}/cancel", follow=True)
    assert "is ready already" in answer.content.decode()
    assert UserLists.objects.get().state == ListsState.READY


def test_a_project_has_few_under_way(alice: Client, people: People, run: Run) -> None:
    for k in range(1, OPEN_AT_ONCE + 1):
        alice.post(f"/runs/{run.pk}/everyone", {**SENT, "k": str(k)})
    assert "are being made already" in alice.post(f"/runs/{run.pk}/everyone", {**SENT, "k": "50"}).content.decode()
    UserLists.objects.update(state=ListsState.FAILED, error=f"No {HOSTILE}.")
    assert alice.post(f"/runs/{run.pk}/everyone", SENT).status_code == 302
    body = alice.get(f"/runs/{run.pk}/everyone").content.decode()
    assert "No &lt;script&gt;" in body
