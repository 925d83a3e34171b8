"""Everything but runs, against a real site with planted rows."""

import pytest
from darec_lab import ApiError, Client

from tests.deploy.client.conftest import ClientOf
from tests.webapp.people import People, finish, make_run, make_version
from tests.webapp.searches.planting import finish_search, make_search, plant
from webapp.datasets.models import Version


@pytest.fixture
def version(people: People) -> Version:
    return make_version(people)


def test_lists_go_on_over_pages(people: People, version: Version, alice: Client, client_of: ClientOf) -> None:
    made = [make_run(version).pk for _ in range(5)]
    finish(make_run(version, preset="popularity"))
    assert [run.id for run in alice.runs.list(state="queued", limit=2)] == made[::-1]
    assert [run["preset"] for run in alice.runs.list(where=["test.ndcg@10 > .05"])] == ["popularity"]
    assert list(client_of(people.charlie).runs.list()) == []
    assert [dataset["name"] for dataset in alice.datasets.list()] == ["Beauty"]
    dataset = version.dataset_id
    assert alice.datasets.get(dataset)["versions"] == 1
    assert [one.id for one in alice.datasets.versions(dataset)] == [version.pk]


def test_a_run_is_launched_and_checked_before(version: Version, alice: Client) -> None:
    assert "sasrec" in [preset["name"] for preset in alice.presets()["runs"]]
    assert not alice.specs.validate("sasrec", {"training.epochs": 0})["valid"]
    assert alice.specs.cost(version.pk, "sasrec")["trainable_parameters"] > 0
    assert "run" in alice.specs.schema()
    run = alice.runs.create(version.pk, "popularity", acknowledge_leakage=True)
    assert (run.state, run["method"]) == ("queued", "popularity")


def test_searches_are_watched(version: Version, alice: Client) -> None:
    row = make_search(version)
    plant(row, layers=3, trials=3)
    search = alice.searches.get(row.pk)
    assert search.pause().state == "paused"
    assert [trial["number"] for trial in search.trials()][:1] == [0]
    finish_search(row)
    assert search.refresh().wait().state == "finished"
    assert search.architecture()["layers"]
    assert [one.id for one in alice.searches.list()] == [row.pk]


def test_runs_are_compared_and_ranked(version: Version, alice: Client) -> None:
    runs = [finish(make_run(version)).pk, finish(make_run(version, preset="popularity"), 0.03).pk]
    found = alice.compare(runs, columns=["method", "test.ndcg@10"], significant=False)
    frame = found.frame()
    assert frame.sort("run")["test.ndcg@10"].to_list() == [0.0571, 0.03]
    assert found.pairs() == []
    board = alice.leaderboard(version.pk)
    assert board["method"].to_list() == ["sasrec", "popularity"]
    assert board["place"].to_list() == [1, 2]


def test_who_one_is_and_what_runs(people: People, alice: Client) -> None:
    assert [project["role"] for project in alice.projects()][:1] == ["admin"]
    assert set(alice.workers()) == {"queues", "workers"}
    assert "darec_" not in repr(alice)
    with pytest.raises(ApiError):
        alice.versions.get(2**40)
