"""Entity tags: what has not changed is not sent again."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from tests.webapp.api.test_runs import headers
from tests.webapp.people import People, make_run
from webapp.datasets.models import Derived, Version


@pytest.fixture
def script(people: People) -> Client:
    """A client with a token of Alice's."""
    return Client(headers=headers(people.alice))


def test_304_until_something_changes(script: Client, version: Version) -> None:
    run = make_run(version)
    address = f"/api/v1/runs/{run.pk}"
    first = script.get(address)
    tag = first["ETag"]
    assert first["Cache-Control"] == "private, no-cache"
    assert "Authorization" in first["Vary"]
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = script.get(address, headers={"If-None-Match": given})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
        assert again.has_header("RateLimit-Remaining")
        assert again.has_header("X-Request-ID")
    run.state = "running"
    run.save()
    changed = script.get(address, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed["ETag"] != tag


@pytest.mark.parametrize("given", ['"other"', "nonsense", '"', "W/", "ü"])
def test_other_tags_get_it_all(script: Client, given: str) -> None:
    assert script.get("/api/v1/runs", headers={"If-None-Match": given}).status_code == 200


def test_only_what_a_get_gets_has_a_tag(script: Client, version: Version) -> None:
    making = script.get(f"/api/v1/versions/{version.pk}/leakage")
    assert (making.status_code, making.has_header("ETag"), making["Cache-Control"]) == (202, False, "no-store")
    body = {"version": version.pk, "preset": "popularity"}
    made = script.post("/api/v1/runs", body, content_type="application/json", headers={"If-None-Match": "*"})
    assert (made.status_code, made.has_header("ETag")) == (201, False)


def test_a_stream_is_left_alone(script: Client, version: Version) -> None:
    address = f"/api/v1/versions/{version.pk}/download/csv-raw"
    script.get(address)
    default_storage.save("exports/x/data.zip", ContentFile(b"zipped"))
    Derived.objects.update(state="ready", storage_key="exports/x", file_name="Beauty-v1.csv-raw.zip")
    answer = script.get(address)
    assert b"".join(answer) == b"zipped"
    assert not answer.has_header("ETag")


def test_pages_are_left_alone(alice: Client) -> None:
    assert not alice.get("/").has_header("ETag")
