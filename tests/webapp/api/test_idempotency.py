"""The same request with the same key makes one thing, however often and however simultaneously it comes."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone

from tests.webapp.api.test_runs import error, headers
from tests.webapp.people import People, make_people, make_version
from webapp.accounts.models import IdempotentRequest
from webapp.api import idempotency
from webapp.datasets.models import Upload, Version
from webapp.experiments.models import Run


@pytest.fixture
def script(people: People) -> Client:
    """A client with a token of Alice's."""
    return Client(headers=headers(people.alice))


def launch(client: Client, version: Version, key: str | None = "k-1", **more: Any) -> Any:
    given = {"Idempotency-Key": key} if key is not None else {}
    body = {"version": version.pk, "preset": "popularity", **more}
    return client.post("/api/v1/runs", body, content_type="application/json", headers=given)


def test_sent_twice_it_is_made_once(script: Client, version: Version) -> None:
    first, second = launch(script, version), launch(script, version)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.json()["id"] == Run.objects.get().pk
    assert not first.has_header("Idempotency-Replayed")
    assert second["Idempotency-Replayed"] == "true"
    assert second["Content-Type"] == first["Content-Type"]


def test_without_a_key_or_with_another_one_it_is_made_again(script: Client, version: Version) -> None:
    for key in (None, None, "a", "b"):
        assert launch(script, version, key).status_code == 201
    assert Run.objects.count() == 4


def test_the_same_key_with_another_body_or_address_is_refused(script: Client, version: Version) -> None:
    launch(script, version)
    said = error(launch(script, version, acknowledge_leakage=True), 422)
    assert (said["code"], said["field"]) == ("idempotency_mismatch", "Idempotency-Key")
    given = {"Idempotency-Key": "k-1"}
    elsewhere = script.post("/api/v1/uploads", {"files": []}, content_type="application/json", headers=given)
    assert error(elsewhere, 422)["code"] == "idempotency_mismatch"
    assert Run.objects.count() == 1


def test_a_key_belongs_to_its_token(people: People, version: Version) -> None:
    for _ in range(2):
        assert launch(Client(headers=headers(people.alice)), version).status_code == 201
    assert Run.objects.count() == 2


def test_after_an_error_the_key_is_free(script: Client, version: Version) -> None:
    assert launch(script, version, preset="nope").status_code == 422
    assert not IdempotentRequest.objects.exists()
    assert launch(script, version).status_code == 201


def test_what_the_database_refuses_leaves_nothing(script: Client, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(run: Run) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 99999999999::int")

    with monkeypatch.context() as patch:
        patch.setattr("webapp.api.runs.run_out", broken)
        said = error(launch(script, version), 422)
        assert "neither be stored nor looked for" in said["message"]
    assert not Run.objects.exists()
    assert launch(script, version).status_code == 201


def test_a_fault_of_ours_leaves_nothing(script: Client, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("broken on purpose")

    with monkeypatch.context() as patch:
        patch.setattr("webapp.api.runs.run_out", broken)
        assert launch(script, version).status_code == 500
    assert not Run.objects.exists()
    assert launch(script, version).status_code == 201
    assert Run.objects.count() == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "ü", "x" * 201])
def test_odd_keys_are_refused(script: Client, version: Version, key: str) -> None:
    said = error(launch(script, version, key), 400)
    assert (said["code"], said["field"]) == ("malformed", "Idempotency-Key")
    assert not Run.objects.exists()


def test_nobody_without_a_token_learns_of_keys(script: Client, version: Version) -> None:
    launch(script, version)
    assert launch(Client(), version).status_code == 401


def test_an_upload_is_begun_once(script: Client) -> None:
    body = {"files": [{"role": "interactions", "name": "a.csv", "size": 10}], "name": "Beauty"}
    for _ in range(2):
        answer = script.post("/api/v1/uploads", body, content_type="application/json", headers={"Idempotency-Key": "u"})
        assert answer.status_code == 201
    assert Upload.objects.count() == 1


def test_the_document_names_the_header(visitor: Client) -> None:
    paths = visitor.get("/api/v1/openapi.json").json()["paths"]
    for address in ("/api/v1/runs", "/api/v1/uploads", "/api/v1/uploads/{key}/version"):
        assert [part["name"] for part in paths[address]["post"]["parameters"]][-1] == "Idempotency-Key"


class TestAtTheSameTime:
    """Real threads with connections of their own."""

    @pytest.fixture
    def version(self, transactional_db: None) -> Version:
        return make_version(make_people())

    @pytest.fixture
    def script(self, version: Version) -> Client:
        assert version.created_by is not None
        return Client(headers=headers(version.created_by))

    def test_eight_at_once_make_one(self, script: Client, version: Version) -> None:
        barrier, answers = threading.Barrier(8), []

        def send() -> None:
            barrier.wait(20)
            answers.append(launch(script, version))

        in_threads([send] * 8)
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert Run.objects.count() == 1
        assert sum(answer.has_header("Idempotency-Replayed") for answer in answers) == 7

    def test_who_waits_too_long_is_told(self, script: Client, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.05)
        token = version.created_by.api_tokens.get()  # type: ignore[union-attr]
        inserted, end = threading.Event(), threading.Event()

        def hold() -> None:
            with transaction.atomic():
                IdempotentRequest.objects.create(token=token, key="k-1", request_hash="0" * 64, created_at=timezone.now())
                inserted.set()
                assert end.wait(20)
                transaction.set_rollback(True)

        def send() -> None:
            try:
                assert inserted.wait(20)
                said = error(launch(script, version), 409)
                assert (said["code"], said["field"]) == ("conflict", "Idempotency-Key")
            finally:
                end.set()

        in_threads([hold, send])
        assert launch(script, version).status_code == 201, "the other one made nothing, so the key is free"


def in_threads(calls: list[Callable[[], None]]) -> None:
    """Do all at once, each with a connection of its own; the first error is raised here."""
    errors: list[BaseException] = []

    def body(call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=body, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
    assert connection.is_usable()
