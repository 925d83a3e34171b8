"""Runs by REST: pages and filters, what they reported, and what is done with them."""

import io
from typing import Any
from urllib.parse import quote

import numpy as np
import polars as pl
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.webapp.api.asking import ask, get, post, refused
from tests.webapp.people import People, finish, make_run, make_version, report
from webapp.datasets.models import Version
from webapp.experiments.models import Run
from webapp.experiments.tensorboard import event_file


def test_pages_by_keyset_hold_every_run_once(people: People, version: Version) -> None:
    runs = [finish(make_run(version), ndcg=0.01 * (number % 3)) for number in range(7)]
    for sort in ("-id", "id", "-test.ndcg@10", "seconds"):
        seen, cursor = list[int](), ""
        while True:
            page = get(people.bob, f"/runs?limit=3&sort={sort}&cursor={quote(cursor)}")
            assert page["count"] == 7
            seen += [line["id"] for line in page["items"]]
            cursor = page["next"]
            if not cursor:
                break
        assert sorted(seen) == [run.pk for run in runs]
    assert "none of this list" in refused(ask(people.bob, "get", "/runs?cursor=nonsense"), 422)


def test_filters_are_those_of_the_page(people: People, version: Version) -> None:
    first, second = make_run(version), finish(make_run(version, preset="popularity"))
    Run.objects.filter(pk=first.pk).update(tags=["baseline"], notes="find me")

    def found(query: str) -> list[int]:
        return [line["id"] for line in get(people.bob, f"/runs?{query}")["items"]]

    assert found("tag=baseline") == [first.pk]
    assert found("q=find") == [first.pk]
    assert found("state=ended") == [second.pk]
    assert found(f"where={quote('test.ndcg@10 > 0.01')}&where={quote('method = popularity')}") == [second.pk]
    assert found(f"project={people.project.pk}") == [second.pk, first.pk]
    error = ask(people.bob, "get", f"/runs?where={quote('nope = 1')}&sort=nope&state=nope")
    assert refused(error, 422)
    assert [problem["field"] for problem in error.json()["error"]["problems"]] == ["where", "state", "sort"]
    assert ask(people.charlie, "get", f"/runs?project={people.project.pk}").status_code == 404


def test_events_after_a_cursor(people: People, version: Version) -> None:
    run = make_run(version, "running", attempt=1)
    address = f"/runs/{run.pk}/events"
    assert get(people.bob, address) == {"items": [], "next": "", "more": False}
    report(run, 2)
    first = get(people.bob, f"{address}?limit=3")
    assert ([one["id"] for one in first["items"]], first["more"]) == (["1.0", "1.1", "1.2"], True)
    rest = get(people.bob, f"{address}?after={first['next']}")
    assert ([one["id"] for one in rest["items"]], rest["more"]) == (["1.3", "1.4"], False)
    assert get(people.bob, f"{address}?after={rest['next']}") == {"items": [], "next": "1.4", "more": False}
    assert [one["type"] for one in get(people.bob, f"{address}?type=log")["items"]] == ["log"]
    assert "after" in refused(ask(people.bob, "get", f"{address}?after=x"), 422)


def test_log_and_curves(people: People, version: Version) -> None:
    run = make_run(version, "running", attempt=1)
    report(run, 3)
    lines = get(people.bob, f"/runs/{run.pk}/log?text=read")["items"]
    assert [line["type"] for line in lines] == ["log"]
    assert get(people.bob, f"/runs/{run.pk}/log?text=nowhere")["items"] == []
    text = ask(people.bob, "get", f"/runs/{run.pk}/log.txt")
    assert b"read <script>" in b"".join(text.streaming_content)
    run.refresh_from_db()
    board = ask(people.bob, "get", f"/runs/{run.pk}/tensorboard")
    assert "tfevents" in board["Content-Disposition"]
    content = b"".join(board.streaming_content)
    assert content == b"".join(event_file(run))
    assert b"valid/ndcg@10" in content
    curves = get(people.bob, f"/runs/{run.pk}/metrics")
    assert curves["valid"][-1] == {"step": 30, "epoch": 3, "value": 0.03}
    assert len(curves["loss"]) == curves["total"] == 3


def test_ranks_and_files(people: People, version: Version) -> None:
    run = finish(make_run(version))
    assert refused(ask(people.bob, "get", f"/runs/{run.pk}/ranks"), 404)
    assert get(people.bob, f"/runs/{run.pk}/files") == []
    file = io.BytesIO()
    pl.DataFrame({"user": np.arange(3, dtype=np.int32), "rank": [0.0, 2.5, 7.0]}).write_parquet(file)
    Run.objects.filter(pk=run.pk).update(folder_key=f"runs/{run.pk}")
    default_storage.save(f"runs/{run.pk}/ranks_test.parquet", ContentFile(file.getvalue()))
    whole = ask(people.bob, "get", f"/runs/{run.pk}/ranks")
    assert pl.read_parquet(io.BytesIO(b"".join(whole.streaming_content)))["rank"].to_list() == [0.0, 2.5, 7.0]
    text = ask(people.bob, "get", f"/runs/{run.pk}/ranks?format=csv")
    assert b"".join(text.streaming_content).splitlines() == [b"user,rank", b"0,0.0", b"1,2.5", b"2,7.0"]
    assert refused(ask(people.bob, "get", f"/runs/{run.pk}/ranks?split=valid"), 404)
    listed = get(people.bob, f"/runs/{run.pk}/files")
    assert listed[0]["name"] == "ranks_test.parquet"
    assert listed[0]["size"] == len(file.getvalue())
    address = listed[0]["url"].removeprefix("/api/v1")
    assert b"".join(ask(people.bob, "get", address).streaming_content) == file.getvalue()
    for name in ("nope", "../x", "..%2f..%2fetc%2fpasswd", "ranks_test.parquet/", "%00"):
        assert ask(people.bob, "get", f"/runs/{run.pk}/files/{name}").status_code == 404
    assert ask(people.charlie, "get", address).status_code == 404


def test_architecture_and_samples(people: People, version: Version) -> None:
    run = finish(make_run(version))
    layers = get(people.bob, f"/runs/{run.pk}/architecture")
    assert [layer["kind"] for layer in layers] == ["lora", "none"]
    assert get(people.bob, f"/runs/{run.pk}/samples")[0]["user"] == "u<7>"


def test_resume_extend_and_clone(people: People, version: Version) -> None:
    lost, done = make_run(version, "failed", attempt=1), finish(make_run(version))
    assert post(people.alice, f"/runs/{lost.pk}/resume")["state"] == "queued"
    longer = post(people.alice, f"/runs/{done.pk}/extend", {"epochs": 400}, 201)
    assert (longer["continues"], longer["spec"]["training"]["epochs"]) == (done.pk, 400)
    assert post(people.alice, f"/runs/{done.pk}/extend", {"epochs": 400}, 201)["id"] == longer["id"]
    assert refused(ask(people.alice, "post", f"/runs/{done.pk}/extend", {"epochs": 1}), 422)
    copy = post(people.alice, f"/runs/{done.pk}/clone", {"settings": {"training.seed": 7}}, 201)
    assert (copy["state"], copy["spec"]["training"]["seed"], copy["method"]) == ("queued", 7, "sasrec")
    assert refused(ask(people.alice, "post", f"/runs/{done.pk}/clone", {"settings": {"training.nope": 7}}), 422)
    other = make_version(people, "Other")
    assert post(people.alice, f"/runs/{done.pk}/clone", {"version": other.pk}, 201)["version"] == other.pk


def test_marks(people: People, version: Version) -> None:
    run = make_run(version, "running")
    body: dict[str, Any] = {"tags": ["b", "a"], "notes": "*good*", "starred": True}
    answer = ask(people.alice, "patch", f"/runs/{run.pk}", body).json()
    assert (answer["tags"], answer["notes"], answer["starred"]) == (["a", "b"], "*good*", True)
    # All or nothing: an active run cannot be archived.
    assert "active" in refused(ask(people.alice, "patch", f"/runs/{run.pk}", {"tags": [], "archived": True}), 422)
    assert Run.objects.get().tags == ["a", "b"]
    Run.objects.update(state="succeeded")
    assert ask(people.alice, "patch", f"/runs/{run.pk}", {"archived": True}).json()["archived_at"]
    assert get(people.alice, "/runs")["items"] == []
    assert get(people.alice, f"/runs?where={quote('archived = any')}")["count"] == 1
    assert ask(people.alice, "patch", f"/runs/{run.pk}", {"archived": False}).json()["archived_at"] is None
    # A star is everybody's own.
    assert ask(people.bob, "patch", f"/runs/{run.pk}", {"starred": True}).json()["starred"]
    for body in ({"tags": []}, {"notes": ""}, {"archived": True}, {"archived": False}):
        refused(ask(people.bob, "patch", f"/runs/{run.pk}", body), 403)


@pytest.mark.parametrize("action", ["cancel", "resume", "extend", "clone"])
def test_viewers_change_nothing(people: People, version: Version, action: str) -> None:
    run = make_run(version, "failed" if action == "resume" else "succeeded")
    assert refused(ask(people.bob, "post", f"/runs/{run.pk}/{action}", {}), 403)
    assert Run.objects.count() == 1
