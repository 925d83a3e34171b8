import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.webapp.comparing.planting import plant_runs
from tests.webapp.people import PROTOCOL, People, make_run, make_version
from webapp.comparing.leaderboard import boards, table
from webapp.datasets.models import Version
from webapp.experiments.models import Run, RunState


def configured(version: Version, preset: str, rate: float, seeds: list[tuple[float, float]], **values: object) -> list[Run]:
    """Runs of one configuration, one for each (validation, test)."""
    made = plant_runs(version, len(seeds), preset, **values)
    for run, (valid, test) in zip(made, seeds, strict=True):
        run.spec["training"]["learning_rate"] = rate
        run.valid, run.test = {"ndcg@10": valid}, {"ndcg@10": test, "hr@10": 2 * test}
        run.save()
    return made


def rows(client: Client, version: Version, by: str = "") -> list[list[str]]:
    body = client.get(f"/leaderboard?version={version.pk}{by}").content.decode()
    found = re.findall(r'<tr><th scope="row">(.*?)(?=<tr>|</tbody>)', body, re.DOTALL)
    return [[" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in row.split("<td")] for row in found]


def test_the_configuration_is_chosen_by_validation_and_ranked_by_test(alice: Client, version: Version) -> None:
    configured(version, "sasrec", 0.001, [(0.06, 0.050), (0.07, 0.052)])
    # Better on the test, worse on validation: choosing it would be choosing by the test.
    configured(version, "sasrec", 0.002, [(0.05, 0.09), (0.05, 0.09)])
    configured(version, "popularity", 0.001, [(0.03, 0.055)])
    ((board),) = boards(version)
    chosen = table(board, by_preset=False)["rows"]
    assert [(row["method"], row["test"], row["seeds"], row["tried"]) for row in chosen] == [
        ("Popularity", ".0550", "1", "1"),
        ("SASRec", ".0510", "2", "2"),
    ]
    assert (chosen[1]["valid"], chosen[1]["deviation"]) == (".0650", ".0014")
    assert chosen[0]["deviation"] == ""
    found = rows(alice, version)
    assert found[1][0] == "SASRec"
    assert ".0510 ± .0014" in found[1][2]


def test_of_the_same_seed_the_newest_counts(version: Version) -> None:
    first = configured(version, "sasrec", 0.001, [(0.06, 0.05)])
    again = configured(version, "sasrec", 0.001, [(0.06, 0.07)])
    assert first[0].spec["training"]["seed"] == again[0].spec["training"]["seed"]
    ((board),) = boards(version)
    assert board.configurations[0].runs == [again[0].pk]
    assert board.configurations[0].test == pytest.approx(0.07)


def test_by_preset(alice: Client, version: Version) -> None:
    configured(version, "sasrec", 0.001, [(0.06, 0.05)])
    configured(version, "sasrec-bce", 0.001, [(0.05, 0.06)])
    assert len(rows(alice, version)) == 1
    assert [row[6].split(">")[-1] for row in rows(alice, version, "&by=preset")] == ["sasrec-bce", "sasrec"]


def test_classes_stand_apart(alice: Client, version: Version) -> None:
    configured(version, "sasrec", 0.001, [(0.06, 0.05)] * 2)
    configured(version, "popularity", 0.001, [(0.06, 0.9)], protocol={**PROTOCOL, "seen": "keep"})
    first, second = boards(version)
    assert (first.name, second.name) == ("A", "B")
    assert second.apart == ("another rule for items already seen (keep, not remove)",)
    assert "Not to be ranked with class A" in alice.get(f"/leaderboard?version={version.pk}").content.decode()


def test_only_finished_runs_of_this_version_and_project(people: People, alice: Client, charlie: Client, version: Version) -> None:
    assert "No finished run" in alice.get(f"/leaderboard?version={version.pk}").content.decode()
    make_run(version, RunState.FAILED)
    plant_runs(version, 1, test={})
    plant_runs(make_version(people), 1)
    assert boards(version) == []
    assert charlie.get(f"/leaderboard?version={version.pk}").status_code == 404
    assert alice.get("/leaderboard?version=4711").status_code == 404
    configured(version, "sasrec", 0.001, [(0.06, 0.05)])
    assert f'href="/leaderboard?version={version.pk}"' in alice.get("/leaderboard").content.decode()
    assert f"/leaderboard?version={version.pk}" in alice.get(f"/datasets/{version.dataset_id}/versions/1").content.decode()


def test_few_queries_with_many_runs(
    alice: Client, version: Version, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for preset in ("sasrec", "popularity", "markov", "hstu"):
        plant_runs(version, 100, preset)
    with django_assert_max_num_queries(8):
        assert len(rows(alice, version)) == 4
