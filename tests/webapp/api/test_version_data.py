from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from tests.webapp.api.test_runs import get, headers, post
from tests.webapp.datasets.test_derived import DIFFERENCE
from tests.webapp.datasets.test_leakage import SERIOUS
from tests.webapp.people import People, make_run, make_version
from webapp.datasets.models import Derived, Version
from webapp.experiments.models import Run


def delete(user: User, version: Version) -> Any:
    return Client().delete(f"/api/v1/versions/{version.pk}", headers=headers(user))


def test_leakage(people: People, version: Version) -> None:
    address = f"/api/v1/versions/{version.pk}/leakage"
    waiting = get(people.bob, address)
    assert (waiting.status_code, waiting.json()["state"]) == (202, "queued")
    assert Derived.objects.get().kind == "leakage"
    Version.objects.update(leakage=SERIOUS)
    known = get(people.bob, address)
    assert (known.status_code, known.json()["state"]) == (200, "ready")
    assert known.json()["result"]["findings"][0]["severity"] == "serious"


def test_difference(people: People, version: Version) -> None:
    other = make_version(people)
    address = f"/api/v1/versions/{version.pk}/difference/{other.pk}"
    assert get(people.bob, address).status_code == 202
    Derived.objects.update(state="ready", result=DIFFERENCE)
    assert get(people.bob, address).json()["result"] == DIFFERENCE
    assert get(people.bob, f"/api/v1/versions/{version.pk}/difference/{make_version(people, 'Other').pk}").status_code == 422


def test_download(people: People, version: Version) -> None:
    address = f"/api/v1/versions/{version.pk}/download/csv-raw"
    assert get(people.bob, address).status_code == 202
    default_storage.save("exports/x/data.zip", ContentFile(b"zipped"))
    Derived.objects.update(state="ready", storage_key="exports/x", file_name="Beauty-v1.csv-raw.zip")
    answer = get(people.bob, address)
    assert answer["Content-Type"] == "application/zip"
    assert b"".join(answer.streaming_content) == b"zipped"
    Derived.objects.update(state="failed", error="It took too much.", hint="Ask again.")
    assert get(people.bob, address).json()["error"] == "It took too much."
    wrong = get(people.bob, f"/api/v1/versions/{version.pk}/download/xlsx")
    assert wrong.status_code == 422
    assert "recbole" in wrong.json()["error"]["hint"]


def test_delete(people: People, version: Version) -> None:
    assert delete(people.bob, version).status_code == 403
    run = make_run(version, "running")
    refused = delete(people.alice, version)
    assert refused.status_code == 422
    assert str(run) in refused.json()["error"]["message"]
    Run.objects.update(state="succeeded")
    assert delete(people.alice, version).json() == {"id": version.pk, "state": "deleted"}
    assert get(people.alice, f"/api/v1/versions/{version.pk}/download/csv").status_code == 422


@pytest.mark.parametrize("page", ["leakage", "difference/{pk}", "download/csv"])
def test_charlie_gets_404(people: People, version: Version, page: str) -> None:
    assert get(people.charlie, f"/api/v1/versions/{version.pk}/{page.format(pk=version.pk)}").status_code == 404
    assert delete(people.charlie, version).status_code == 404
    assert not Derived.objects.exists()


def test_launching_with_serious_leaks(people: People) -> None:
    version = make_version(people, leakage=SERIOUS)
    body = {"version": version.pk, "preset": "popularity"}
    refused = post(people.alice, "/api/v1/runs", body)
    assert refused.status_code == 422
    assert "acknowledge_leakage" in refused.json()["error"]["hint"]
    launched = post(people.alice, "/api/v1/runs", {**body, "acknowledge_leakage": True})
    assert launched.status_code == 201
    assert launched.json()["acknowledged"][0]["column"] == "views"
