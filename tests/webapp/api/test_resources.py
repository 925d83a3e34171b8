"""Searches, specs, datasets, comparisons, recommendations, workers and projects by REST."""

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.webapp.api.asking import ask, get, post, refused
from tests.webapp.people import People, finish, make_run, make_version
from tests.webapp.searches.planting import finish_search, make_search, plant
from webapp.comparing.models import RunComparison
from webapp.datasets.models import Question, Version
from webapp.experiments.models import Run
from webapp.fleet.models import Job, WorkerNode
from webapp.searches.models import Search
from webapp.serving.models import Ask


def test_launch_and_steer_a_search(people: People, version: Version) -> None:
    body = {"version": version.pk, "preset": "search-nano", "settings": {"trials": 12}, "at_once": 3}
    made = post(people.alice, "/searches", body, 201)
    assert (made["state"], made["trials"], made["at_once"], made["plan"]["trials"]) == ("running", 12, 3, 12)
    address = f"/searches/{made['id']}"
    assert post(people.alice, f"{address}/pause")["state"] == "paused"
    assert post(people.alice, f"{address}/resume")["state"] == "running"
    assert post(people.alice, f"{address}/extend", {"trials": 3})["trials"] == 15
    assert refused(ask(people.alice, "post", f"{address}/launch-best"), 422)
    assert refused(ask(people.alice, "get", f"{address}/architecture"), 404)
    assert post(people.alice, f"{address}/cancel")["state"] == "cancelled"
    assert refused(ask(people.alice, "post", f"{address}/pause"), 422)
    assert [line["id"] for line in get(people.bob, "/searches")["items"]] == [made["id"]]
    assert get(people.charlie, "/searches")["items"] == []
    assert get(people.bob, f"/searches?project={people.project.pk}&state=running")["items"] == []
    assert len(get(people.bob, f"/searches?project={people.project.pk}&state=cancelled")["items"]) == 1
    assert refused(ask(people.charlie, "get", f"/searches?project={people.project.pk}"), 404)


def test_a_search_is_cloned(people: People, version: Version) -> None:
    first = make_search(version)
    path = f"/searches/{first.pk}/clone"
    made = post(people.alice, path, {"settings": {"trials": 44}}, 201)
    again = Search.objects.get(pk=made["id"])
    assert (again.plan, again.at_once, again.state) == ({**first.plan, "trials": 44}, 2, "running")
    elsewhere = make_version(people)
    assert post(people.alice, path, {"version": elsewhere.pk, "at_once": 1}, 201)["version"] == elsewhere.pk
    assert len(get(people.bob, f"/searches?version={elsewhere.pk}")["items"]) == 1
    assert "must be" in refused(ask(people.alice, "post", path, {"settings": {"trials": 0}}), 422)
    refused(ask(people.bob, "post", path, {}), 403)
    refused(ask(people.charlie, "post", path, {}), 404)


def test_wrong_searches_are_refused_by_field(people: People, version: Version) -> None:
    body: dict[str, Any] = {"version": version.pk, "preset": "search-nano", "settings": {"trials": 0}}
    error = ask(people.alice, "post", "/searches", body)
    assert refused(error, 422)
    assert error.json()["error"]["field"] == "trials"
    body["settings"] = {"run.training.stop_below": [0.1]}
    assert "sets this itself" in refused(ask(people.alice, "post", "/searches", body), 422)
    assert refused(ask(people.alice, "post", "/searches", {**body, "preset": "nope"}), 422)
    assert refused(ask(people.bob, "post", "/searches", {**body, "settings": {}}), 403)
    assert not Search.objects.exists()


def test_trials_and_winner(people: People, version: Version) -> None:
    search = make_search(version)
    plant(search, 4, 8, running=1)
    first = get(people.bob, f"/searches/{search.pk}/trials?limit=5")
    rest = get(people.bob, f"/searches/{search.pk}/trials?limit=5&cursor={first['next']}")
    assert [one["number"] for one in first["items"] + rest["items"]] == list(range(8))
    assert first["items"][0]["architecture"] == ["lora/both/8"] * 4
    assert get(people.bob, f"/searches/{search.pk}")["done"] == 7
    best = get(people.bob, f"/searches/{search.pk}/architecture")
    assert (best["decided"], len(best["layers"])) == (False, 4)
    finish_search(search)
    assert get(people.bob, f"/searches/{search.pk}/architecture")["decided"]
    assert get(people.bob, f"/searches/{search.pk}")["answer"]["verdict"]
    run = post(people.alice, f"/searches/{search.pk}/launch-best", None, 201)
    assert (run["state"], run["method"]) == ("queued", "darec")


def test_specs(people: People, version: Version) -> None:
    schema = get(people.bob, "/specs/schema")
    assert "training" in schema["run"]["properties"]
    assert "sasrec" in schema["methods"]
    presets = get(people.bob, "/presets")
    assert "sasrec" in [one["name"] for one in presets["runs"]]
    assert "search-nano" in [one["name"] for one in presets["searches"]]
    good = post(people.bob, "/specs/validate", {"preset": "sasrec", "settings": {"training.epochs": 3}})
    assert (good["valid"], good["spec"]["training"]["epochs"]) == (True, 3)
    bad = post(people.bob, "/specs/validate", {"preset": "sasrec", "settings": {"training.epochs": 0, "training.nope": 1}})
    assert not bad["valid"]
    assert [one["field"] for one in bad["problems"]] == ["training.epochs", "training.nope"]
    assert refused(ask(people.bob, "post", "/specs/validate", {"preset": "nope"}), 422)
    body = {"preset": "sasrec", "version": version.pk}
    assert post(people.bob, "/specs/cost", body)["seconds"] is None
    Run.objects.filter(pk=finish(make_run(version)).pk).update(machine="CPU, 2 threads")
    cost = post(people.bob, "/specs/cost", body)
    assert (cost["seconds"]["middle"], cost["machine"], cost["same_version"]) == (75.0, "CPU, 2 threads", True)
    assert cost["trainable_parameters"] > 0
    assert refused(ask(people.charlie, "post", "/specs/cost", body), 404)


def test_datasets_and_versions(people: People, version: Version) -> None:
    make_version(people, "Other")
    newer = make_version(people)
    assert [one["name"] for one in get(people.bob, "/datasets")["items"]] == ["Other", "Beauty"]
    assert get(people.bob, f"/datasets/{version.dataset_id}")["versions"] == 2
    page = get(people.bob, f"/datasets/{version.dataset_id}/versions?limit=1")
    assert page["items"][0]["id"] == newer.pk
    rest = get(people.bob, f"/datasets/{version.dataset_id}/versions?limit=1&cursor={page['next']}")
    assert (rest["items"][0]["id"], rest["next"]) == (version.pk, "")
    assert get(people.bob, f"/versions/{version.pk}")["interactions"] == 9120
    assert get(people.charlie, "/datasets")["items"] == []
    made = post(people.alice, f"/versions/{version.pk}/filter", {"filters": {"core": 7}}, 201)
    assert (made["parent"], made["filters"]["core"], made["state"]) == (version.pk, 7, "queued")
    assert refused(ask(people.alice, "post", f"/versions/{version.pk}/filter", {}), 422)
    assert refused(ask(people.bob, "post", f"/versions/{version.pk}/filter", {"filters": {"core": 7}}), 403)


def test_profile_and_preview(people: People, version: Version) -> None:
    waiting = ask(people.bob, "get", f"/versions/{version.pk}/profile")
    assert (waiting.status_code, waiting.json()["state"]) == (202, "queued")
    Version.objects.update(profile={"counts": {"items": 1}})
    assert get(people.bob, f"/versions/{version.pk}/profile")["result"] == {"counts": {"items": 1}}
    asked = post(people.alice, f"/versions/{version.pk}/previews", {"filters": {"core": 3}}, 202)
    address = asked["url"].removeprefix("/api/v1")
    assert ask(people.bob, "get", address).status_code == 202
    Question.objects.filter(pk=asked["id"]).update(state="answered", answer={"steps": []})
    assert get(people.bob, address)["answer"] == {"steps": []}
    assert refused(ask(people.alice, "post", f"/versions/{version.pk}/previews", {"filters": {"core": -1}}), 422)
    assert refused(ask(people.bob, "post", f"/versions/{version.pk}/previews", {}), 403)
    assert refused(ask(people.charlie, "get", address), 404)


def test_compare(people: People, version: Version) -> None:
    first, second, queued = finish(make_run(version)), finish(make_run(version), 0.06), make_run(version)
    address = f"/compare?runs={first.pk},{second.pk},{queued.pk},999999"
    found = get(people.bob, address)
    assert [run["run"] for run in found["classes"][0]["runs"]] == [first.pk, second.pk]
    assert found["classes"][0]["class"] == "A"
    assert ([run["run"] for run in found["no_result"]], found["unknown"]) == ([queued.pk], [999999])
    assert [one["state"] for one in found["significance"]] == ["waiting"]
    pair = [second.pk, first.pk, 0.003, 0.001, 0.005, 0.01, 0.02]
    RunComparison.objects.update(answered_at=timezone.now(), answer={"users": 600, "pairs": [pair], "without": {}})
    answered = get(people.bob, address)["significance"][0]
    assert (answered["state"], answered["users"], answered["pairs"][0]["corrected_p"]) == ("ready", 600, 0.02)
    assert get(people.bob, f"{address}&significant=false")["significance"] == []
    assert refused(ask(people.charlie, "get", address), 404)
    assert refused(ask(people.bob, "get", "/compare?runs=x"), 422)


def test_leaderboard(people: People, version: Version) -> None:
    finish(make_run(version, preset="popularity"), 0.02)
    best = finish(make_run(version))
    board = get(people.bob, f"/leaderboard?version={version.pk}")["boards"][0]
    assert [(one["place"], one["method"]) for one in board["places"]] == [(1, "sasrec"), (2, "popularity")]
    assert (board["places"][0]["runs"], board["places"][0]["test"]) == ([best.pk], 0.0571)
    assert refused(ask(people.charlie, "get", f"/leaderboard?version={version.pk}"), 404)


def test_recommend(people: People, version: Version, settings: Settings) -> None:
    settings.SERVE_WAIT_SECONDS = 0.0
    run = finish(make_run(version))
    asked = post(people.bob, f"/runs/{run.pk}/recommend", {"history": ["i1"], "k": 2}, 202)
    address = asked["url"].removeprefix("/api/v1")
    assert ask(people.bob, "get", address).status_code == 202
    answer = {
        "history": [{"id": "i1", "title": "Soap"}],
        "recommended": [{"id": "i3", "title": "Comb", "score": 1.5}],
        "seen": "remove",
    }
    Ask.objects.update(state="answered", answer=answer)
    found = get(people.bob, f"{address}?wait=5")
    assert (found["state"], found["items"]) == ("answered", [{"id": "i3", "title": "Comb", "score": 1.5}])
    # Everybody's questions are their own.
    assert refused(ask(people.alice, "get", address), 404)
    assert refused(ask(people.charlie, "post", f"/runs/{run.pk}/recommend", {"history": ["i1"]}), 404)
    assert refused(ask(people.bob, "post", f"/runs/{make_run(version).pk}/recommend", {"history": ["i1"]}), 422)
    wrong: list[dict[str, Any]] = [
        {"history": []},
        {"history": ["a\x00b"]},
        {"history": ["i1"], "k": 0},
        {"history": ["i1"], "k": 10_000},
    ]
    for body in wrong:
        assert refused(ask(people.bob, "post", f"/runs/{run.pk}/recommend", body), 422)


def test_workers_name_nothing_of_others(people: People, version: Version) -> None:
    now = timezone.now()
    node = WorkerNode.objects.create(
        name="host:7", celery_name="gpu@host", host="host", pid=7, queues=["gpu"], started_at=now, heartbeat_at=now
    )
    run = make_run(version, "running")
    Job.objects.create(
        node=node, pid=8, kind="run", row=run.pk, project=people.project, title=str(run), path=f"/runs/{run.pk}", started_at=now
    )
    mine = get(people.bob, "/workers")
    assert mine["workers"][0]["jobs"][0]["title"] == str(run)
    gpu = next(queue for queue in mine["queues"] if queue["name"] == "gpu")
    assert (gpu["listeners"], gpu["free"]) == (1, 0)
    theirs = get(people.charlie, "/workers")["workers"][0]["jobs"][0]
    assert (theirs["title"], theirs["path"]) == ("a run of another project", "")


def test_projects(people: People) -> None:
    mine = next(one for one in get(people.bob, "/projects") if one["id"] == people.project.pk)
    assert (mine["name"], mine["role"]) == ("Shop", "viewer")
    members = get(people.bob, f"/projects/{people.project.pk}/members")
    assert members == [{"username": "alice", "role": "admin"}, {"username": "bob", "role": "viewer"}]
    assert refused(ask(people.charlie, "get", f"/projects/{people.project.pk}/members"), 404)


@pytest.mark.parametrize("action", ["pause", "resume", "cancel", "extend", "launch-best"])
def test_viewers_steer_no_search(people: People, version: Version, action: str) -> None:
    search = make_search(version)
    assert refused(ask(people.bob, "post", f"/searches/{search.pk}/{action}", {"trials": 1}), 403)
    assert refused(ask(people.charlie, "post", f"/searches/{search.pk}/{action}", {"trials": 1}), 404)
