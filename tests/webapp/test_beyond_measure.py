"""Numbers, depths, lengths and characters beyond measure, wherever they can be sent: refused in words, never 500."""

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from tests.webapp.api.asking import headers
from tests.webapp.people import People, finish, make_run
from webapp.datasets.models import Upload, Version
from webapp.datasets.uploads import Announced, begin_upload, store_whole
from webapp.experiments.models import Run
from webapp.searches.models import Search

HUGE = "1" + "0" * 400
"""10**400: beyond what a float holds, within what Python takes for a number."""
TEXTS = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    HUGE,
    f"-{HUGE}",
    "9" * 5000,
    "--5",
    "\u0664\u0662",
    "x" * 200_000,
    "\u202e5",
    "\x00",
    "\ud800",
)
DEEP = "[" * 50_000 + "]" * 50_000
FIELDS = (
    "training.epochs",
    "training.learning_rate",
    "training.minutes",
    "training.seed",
    "method.dimensions",
    "evaluation.batch_users",
)
RAW = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    HUGE,
    "9" * 5000,
    f'"{"x" * 200_000}"',
    DEEP,
    '{"a":' * 60_000 + "1" + "}" * 60_000,
    '"\\ud800"',
    '"\\u0000"',
    "null",
)


@pytest.fixture
def script(people: People) -> Client:
    return Client(headers=headers(people.alice), raise_request_exception=False)


@pytest.fixture
def person(people: People) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(people.alice)
    return client


def sendable(text: str) -> bool:
    """A browser sends no half characters: it writes U+FFFD in their place."""
    return "\ud800" not in text


def refused(response: Any) -> None:
    """In the one shape of errors, at a field or with what is wrong with the whole, in not too many words."""
    assert 400 <= response.status_code < 500, (response.status_code, response.content[:400])
    error = response.json()["error"]
    assert error["message"]
    assert len(response.content) < 20_000


@pytest.mark.parametrize("value", RAW, ids=lambda text: text[:12])
@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/runs", '{"version": %(version)d, "preset": "sasrec", "settings": {"training.epochs": %(value)s}}'),
        ("/runs", '{"version": %(value)s, "preset": "sasrec"}'),
        ("/runs", '{"version": %(version)d, "preset": "sasrec", "settings": {"filters": %(value)s}}'),
        ("/searches", '{"version": %(version)d, "preset": "search-nano", "settings": {"trials": %(value)s}}'),
        ("/searches", '{"version": %(version)d, "preset": "search-nano", "settings": {"space.budget": [%(value)s]}}'),
        ("/uploads", '{"name": "a", "files": [{"role": "interactions", "name": "a.csv", "size": %(value)s}]}'),
        ("/uploads", '{"name": "a", "files": [{"role": %(value)s, "name": "a.csv", "size": 5}]}'),
        ("/uploads/%(key)s/version", '{"filters": {"core": %(value)s}, "acknowledged": 1}'),
        ("/uploads/%(key)s/version", '{"mapping": {"interactions": %(value)s}}'),
        ("/uploads/%(key)s/version", '{"mapping": {"interactions": {"roles": {"user_id": %(value)s}}}}'),
    ],
)
def test_by_rest(script: Client, people: People, version: Version, address: str, body: str, value: str) -> None:
    if value == "null" and "epochs" not in body:
        return  # most fields may be left out
    upload = begin_upload(people.project, people.alice, [Announced("interactions", "a.csv", 40)], None, "New")
    for file in upload.files.all():
        store_whole(file, ContentFile(b"user_id,item_id,timestamp\n1,2,3\n1,2,4\n\n\n\n"[:40]))
    known = {"version": version.pk, "value": value, "key": upload.key}
    response = script.post(f"/api/v1{address % known}", body % known, content_type="application/json")
    refused(response)
    assert not Run.objects.exists()
    assert not Search.objects.exists()


@pytest.mark.parametrize("value", RAW, ids=lambda text: text[:12])
def test_a_spec_is_judged_in_words(script: Client, value: str) -> None:
    for field in FIELDS:
        body = f'{{"preset": "sasrec", "settings": {{"{field}": {value}}}}}'
        response = script.post("/api/v1/specs/validate", body, content_type="application/json")
        if response.status_code == 200:
            told = response.json()
            if value != "null":
                assert not told["valid"], field
            assert all(problem["field"] and problem["message"] for problem in told["problems"])
            assert len(response.content) < 20_000
        else:
            refused(response)


@pytest.mark.parametrize("depth", [64, 65, 1000, 100_000])
def test_the_depth_of_json(script: Client, depth: int) -> None:
    body = '{"preset": "sasrec", "settings": ' + '{"a": ' * (depth - 1) + "1" + "}" * (depth - 1) + "}"
    response = script.post("/api/v1/specs/validate", body, content_type="application/json")
    if depth <= 64:
        assert response.status_code == 200
        assert not response.json()["valid"]
    else:
        assert response.status_code == 400
        assert response.json()["error"]["code"] == "malformed"
        assert "nested" in response.json()["error"]["message"]


def test_of_two_equal_keys_the_last_one_is_judged(script: Client) -> None:
    body = '{"preset": "sasrec", "settings": {"training.epochs": 2, "training.epochs": 0}}'
    told = script.post("/api/v1/specs/validate", body, content_type="application/json").json()
    assert (told["valid"], told["problems"][0]["field"]) == (False, "training.epochs")


@pytest.mark.parametrize("value", TEXTS, ids=lambda text: ascii(text)[:12])
def test_comparisons_and_lists(script: Client, person: Client, people: People, version: Version, value: str) -> None:
    run = finish(make_run(version))
    if not sendable(value):
        return
    for name in ("runs", "metric", "columns"):
        query = {"runs": f"{run.pk}", "metric": "ndcg@10", name: value[:5000]}
        response = script.get("/api/v1/compare", query)
        assert response.status_code < 500, (name, response.content)
        if name == "runs":
            refused(response)
    for address, name in (
        ("/runs", "where"),
        ("/runs", "q"),
        ("/runs", "limit"),
        ("/runs", "cursor"),
        ("/runs", "project"),
        ("/searches", "project"),
    ):
        response = script.get(f"/api/v1{address}", {name: value[:5000]})
        assert response.status_code < 500, (address, name, response.content)
    for address, names in (
        ("/compare", ("runs", "sort", "place")),
        ("/runs", ("q", "where", "sort", "page", "after", "cursor")),
        ("/runs/new", ("version", "preset", "clone")),
        ("/searches/new", ("version", "preset")),
        ("/search", ("q",)),
        ("/datasets", ("q", "cursor")),
        ("/audit", ("object", "kind", "id")),
        ("/searches", ("cursor",)),
        (f"/runs/{run.pk}/log", ("from", "text")),
        (f"/runs/{run.pk}/user", ("user", "ask", "k")),
        (f"/runs/{run.pk}/try", ("item", "ask", "q")),
        (f"/runs/{run.pk}/everyone", ("k",)),
    ):
        for name in names:
            response = person.get(address, {name: value[:5000]})
            assert response.status_code < 500, (address, name)


@pytest.mark.parametrize("value", TEXTS, ids=lambda text: ascii(text)[:12])
def test_forms_of_runs_and_searches(person: Client, version: Version, value: str) -> None:
    if not sendable(value):
        return
    runs, searches = Run.objects.count(), Search.objects.count()
    for field in FIELDS:
        answer = person.post("/runs/new", {"version": version.pk, "preset": "sasrec", field: value})
        assert answer.status_code == 422, (field, answer.status_code)
        assert person.post("/runs/new/check", {"version": version.pk, "preset": "sasrec", field: value}).status_code < 500
    for field in (
        "trials",
        "space.budget",
        "space.ranks",
        "space.groups",
        "run.training.minutes",
        "share",
        "at_once",
        "space.further",
    ):
        answer = person.post("/searches/new", {"version": version.pk, "preset": "search-nano", field: value})
        assert answer.status_code == 422, (field, answer.status_code)
    for name in ("version", "preset", "clone"):
        given = {"version": version.pk, "preset": "sasrec", name: value}
        assert person.post("/runs/new", given).status_code in (404, 422, 302 if name == "clone" else 422), name
        assert person.post("/searches/new", {**given, "trials": "0"}).status_code in (404, 422), name
    assert Search.objects.count() == searches
    assert Run.objects.count() <= runs + 1


@pytest.mark.parametrize("value", RAW, ids=lambda text: text[:12])
def test_what_the_page_of_uploads_sends(person: Client, value: str) -> None:
    for body in (
        value,
        f'{{"name": {value}, "files": [{{"role": "interactions", "name": "a.csv", "size": 5}}]}}',
        f'{{"name": "a", "dataset": {value}, "files": [{{"role": "items", "name": "a.csv", "size": 5}}]}}',
        f'{{"name": "a", "files": [{{"role": "interactions", "name": "a.csv", "size": {value}}}]}}',
        f'{{"name": "a", "files": {value}}}',
    ):
        response = person.post("/datasets/uploads", body, content_type="application/json")
        # A name that is no text is taken by its letters, if these are few enough.
        assert response.status_code in ((201, 422) if body.startswith('{"name": ' + value) else (404, 422)), body[:60]
    assert all(len(upload.name) <= 100 for upload in Upload.objects.all())


@pytest.mark.parametrize("value", TEXTS, ids=lambda text: ascii(text)[:12])
def test_columns_and_filters_of_an_upload(person: Client, people: People, value: str) -> None:
    if not sendable(value):
        return
    content = b"user_id,item_id,timestamp\n" + b"".join(b"u%d,i%d,%d\n" % (row % 3, row % 4, row) for row in range(20))
    upload = begin_upload(people.project, people.alice, [Announced("interactions", "a.csv", len(content))], None, "New")
    store_whole(upload.files.get(), ContentFile(content))
    address = f"/datasets/uploads/{upload.key}"
    part = person.get(f"{address}/columns").context["parts"][0]
    fields = {f"interactions-{place}": column["role"] for place, column in enumerate(part["columns"])}
    fields |= {"interactions-columns": part["fingerprint"], "interactions-header": "yes", "interactions-separator": "|"}
    for name in (*fields, "interactions-delimiter", "interactions-encoding", "like"):
        assert person.post(f"{address}/columns", {**fields, name: value}).status_code in (200, 422), name
    for name in ("core", "minimum_rating", "after", "before", "sample_users"):
        answer = person.post(f"{address}/start", {name: value})
        if value.isdecimal() and len(value) < 3 and answer.status_code == 302:
            return  # digits of another script are digits
        assert answer.status_code == 422, name
        assert len(answer.content) < 1_000_000
    assert not Version.objects.exists()


def test_numbers_in_addresses(script: Client, person: Client, version: Version) -> None:
    for number in ("9" * 18, "9" * 30, HUGE, "9" * 5000, "-1", "1e3", "NaN", "\u0661"):
        for address in (
            f"/runs/{number}",
            f"/datasets/{number}",
            f"/datasets/{version.dataset_id}/versions/{number}",
            f"/searches/{number}",
        ):
            assert person.get(address).status_code == 404, address
        for address in (
            f"/runs/{number}",
            f"/versions/{number}",
            f"/searches/{number}",
            f"/uploads/{number}",
            f"/projects/{number}",
        ):
            assert script.get(f"/api/v1{address}").status_code in (404, 422), address
