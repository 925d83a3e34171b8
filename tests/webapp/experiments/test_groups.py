import re
import time
from datetime import timedelta
from statistics import mean, stdev

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from engine.evaluation.compare import paired
from tests.webapp.people import HOSTILE, PROTOCOL, People, finish_group_run, group_run, make_group
from webapp.datasets.models import Version
from webapp.display import NOTHING, score
from webapp.experiments.group_table import signed
from webapp.experiments.groups import standings
from webapp.experiments.models import Run, RunGroup
from workers.comparing import compare_group

POLL = {"HX-Request": "true"}


def ranks(seed: int, better: float = 1.0) -> list[float]:
    """Of 200 users; the smaller ``better``, the better."""
    found: list[float] = np.floor(np.random.default_rng(seed).exponential(20 * better, 200)).tolist()
    return found


def rows(body: str) -> list[str]:
    """The text of the table's rows."""
    found = re.findall(r"<tr[^>]*>\s*<th scope=\"row\">.*?(?=<tr|</tbody>)", body, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in found]


@pytest.fixture
def group(version: Version) -> RunGroup:
    return make_group(version)


def test_the_figures_are_those_of_the_engine(alice: Client, group: RunGroup) -> None:
    base = [finish_group_run(group, "base", seed, ranks(seed)) for seed in (0, 1)]
    causal = [finish_group_run(group, "causal", seed, ranks(10 + seed, 2.0)) for seed in (0, 1)]
    finish_group_run(group, "sasrec", 0, ranks(3))
    finish_group_run(group, "sasrec", 1, ranks(4))
    compare_group(group.pk)
    expected = paired(causal, base, "ndcg@10")
    response = alice.get(f"/groups/{group.pk}")
    body = response.content.decode()
    first, second, _ = rows(body)
    assert expected.deviation_a is not None
    assert expected.relative is not None
    assert expected.high < 0
    for words in (
        score(expected.mean_a),
        f"± {score(expected.deviation_a)}",
        f"{signed(expected.low)} to {signed(expected.high)}",
        f"{signed(expected.difference)} \N{MINUS SIGN}{-expected.relative * 100:.1f} %",
        "&lt; .001",
        "12,345",
        "1 min 00 s",
    ):
        assert words in second, words
    hits = [group_run(group, "base", seed).test["hr@10"] for seed in (0, 1)]
    assert (
        f"{score(expected.mean_b)} ± {score(expected.deviation_b)} {score(mean(hits))} ± {score(stdev(hits))} {NOTHING} {NOTHING}"
        in first
    )
    assert "full ranking over 240 items" in body
    assert "200 users, the same for all rows" in body
    assert "they do not see the luck of training" in body
    assert "hx-trigger" not in body
    assert f'href="/runs/{group_run(group, "causal", 1).pk}"' in body


@pytest.mark.parametrize(
    ("value", "text"), [(0.00123, "+.0012"), (-0.5, "\N{MINUS SIGN}.5000"), (1.0, "+1.0000"), (-0.00004, ".0000"), (0.0, ".0000")]
)
def test_signed(value: float, text: str) -> None:
    assert signed(value) == text


def test_the_living_part_polls_and_stops(
    alice: Client, group: RunGroup, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    Run.objects.filter(pk=group_run(group, "base", 0).pk).update(state="running", progress={"fraction": 0.61})
    body = alice.get(f"/groups/{group.pk}").content.decode()
    assert f'hx-get="/groups/{group.pk}" hx-trigger="every 3s"' in body
    assert "5 queued" in body
    response = alice.get(f"/groups/{group.pk}", headers=POLL)
    assert response.status_code == 200
    assert "<html" not in response.content.decode()
    assert rows(response.content.decode())[0].count("queued") == 2
    assert "1 queued, 1 running" in rows(response.content.decode())[0]
    assert "61 %" in rows(response.content.decode())[0]
    for label in ("base", "causal"):
        for seed in (0, 1):
            finish_group_run(group, label, seed, ranks(seed))
    Run.objects.filter(state="queued").update(state="cancelled")
    with django_capture_on_commit_callbacks() as asked:
        response = alice.get(f"/groups/{group.pk}", headers=POLL)
    assert response.status_code == 200
    assert "is being computed" in rows(response.content.decode())[1]
    assert len(asked) == 1
    compare_group(group.pk)
    response = alice.get(f"/groups/{group.pk}", headers=POLL)
    assert response.status_code == 286
    assert "is being computed" not in response.content.decode()


def test_a_worker_is_asked_once_a_minute(
    alice: Client, group: RunGroup, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    finish_group_run(group, "base", 0, ranks(0))
    with django_capture_on_commit_callbacks() as asked:
        alice.get(f"/groups/{group.pk}", headers=POLL)
    assert asked == []
    finish_group_run(group, "causal", 0, ranks(1))
    for _ in range(2):
        with django_capture_on_commit_callbacks() as more:
            alice.get(f"/groups/{group.pk}", headers=POLL)
        asked += more
    assert len(asked) == 1
    RunGroup.objects.update(comparison_asked_at=timezone.now() - timedelta(seconds=61))
    with django_capture_on_commit_callbacks() as asked:
        alice.get(f"/groups/{group.pk}", headers=POLL)
    assert len(asked) == 1


def test_what_did_not_finish_is_said(alice: Client, group: RunGroup) -> None:
    finish_group_run(group, "base", 0, ranks(0))
    Run.objects.filter(pk=group_run(group, "base", 1).pk).update(state="cancelled")
    Run.objects.filter(variant__label="causal").update(state="failed", error=f"out of memory {HOSTILE}")
    Run.objects.filter(variant__label="sasrec").update(state="lost", error="")
    response = alice.get(f"/groups/{group.pk}")
    body = response.content.decode()
    first, second, third = rows(body)
    assert "Seed 1 was cancelled." in first
    assert "±" not in first
    assert "Seed 0 failed: out of memory &lt;script&gt;" in second
    assert "2 failed" in second
    assert "Seed 1 was lost: no reason was reported" in third
    assert "hx-trigger" not in body
    assert "<script>alert" not in body


@pytest.mark.parametrize("other", [{"seen": "keep"}, {"candidates": "imported"}, {"split": "imported", "split_hash": "ef" * 32}])
def test_numbers_of_another_protocol_are_left_out(other: dict[str, str], alice: Client, group: RunGroup) -> None:
    base = finish_group_run(group, "base", 0, ranks(0))
    finish_group_run(group, "base", 1, ranks(7), protocol={**PROTOCOL, **other})
    causal = finish_group_run(group, "causal", 0, ranks(1))
    finish_group_run(group, "sasrec", 0, ranks(2)[:100])
    compare_group(group.pk)
    first, second, third = rows(alice.get(f"/groups/{group.pk}").content.decode())
    assert "Seed 1 was measured under another protocol and is left out." in first
    assert score(paired([causal], [base]).mean_b) in first
    assert signed(paired([causal], [base]).difference) in second
    assert "Seed 0 was measured under another protocol" in third
    assert third.count(f" {NOTHING}") >= 4


def test_a_problem_of_the_comparison_is_shown(alice: Client, group: RunGroup) -> None:
    finish_group_run(group, "base", 0, ranks(0))
    finish_group_run(group, "causal", 0, ranks(1))
    Run.objects.filter(pk=group_run(group, "causal", 0).pk).update(folder_key="runs/gone")
    compare_group(group.pk)
    assert "are gone or damaged" in rows(alice.get(f"/groups/{group.pk}").content.decode())[1]


def test_twelve_variants_with_three_seeds_stay_quick(
    alice: Client, version: Version, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    group = make_group(version, tuple(f"variant-{number}" for number in range(12)), (0, 1, 2))
    Run.objects.filter(variant__group=group).update(
        state="succeeded", protocol=PROTOCOL, users_evaluated=200, test={"ndcg@10": 0.05, "hr@10": 0.1}, trainable_parameters=7
    )
    values = paired([finish_group_run(group, "variant-0", 0, ranks(0))], [finish_group_run(group, "variant-1", 0, ranks(1))])
    now = standings(group)[0]
    for variant in now.variants[1:]:
        variant.comparison = {**(now.pair(variant) or {}), "values": values.model_dump()}
        variant.save()
    alice.get(f"/groups/{group.pk}")
    with django_assert_max_num_queries(10):
        begin = time.monotonic()
        response = alice.get(f"/groups/{group.pk}", headers=POLL)
        seconds = time.monotonic() - begin
    assert response.status_code == 286
    assert seconds < 0.5, f"{seconds:.3f} s"


def test_cancel_ends_what_waits_and_asks_what_works(people: People, group: RunGroup) -> None:
    finish_group_run(group, "base", 0, ranks(0))
    Run.objects.filter(pk=group_run(group, "base", 1).pk).update(state="running")
    other = make_group(group.version)
    client = people.client("bob", "researcher")
    body = client.post(f"/groups/{group.pk}", {"cancel": "1"}, follow=True).content.decode()
    assert "4 cancelled; they had not started, 1 will stop at their next checkpoint" in body
    states = Run.objects.filter(variant__group=group).order_by("pk").values_list("state", flat=True)
    assert list(states) == ["succeeded", "cancelling", *["cancelled"] * 4]
    assert set(Run.objects.filter(variant__group=other).values_list("state", flat=True)) == {"queued"}
    assert "There is nothing to cancel" in client.post(f"/groups/{group.pk}", follow=True).content.decode()


def test_bob_looks_but_may_not_cancel(bob: Client, group: RunGroup) -> None:
    assert 'name="cancel"' not in bob.get(f"/groups/{group.pk}").content.decode()
    assert bob.post(f"/groups/{group.pk}", {"cancel": "1"}).status_code == 403
    assert set(Run.objects.filter(variant__group=group).values_list("state", flat=True)) == {"queued"}


def test_charlie_gets_404(charlie: Client, group: RunGroup) -> None:
    assert charlie.get(f"/groups/{group.pk}").status_code == 404
    assert charlie.get(f"/groups/{group.pk}", headers=POLL).status_code == 404
    assert charlie.post(f"/groups/{group.pk}", {"cancel": "1"}).status_code == 404
    assert str(group) not in charlie.get("/groups").content.decode()
    assert charlie.get("/groups/99999999999999999999999").status_code == 404


def test_the_list_and_the_ways_to_it(alice: Client, group: RunGroup) -> None:
    finish_group_run(group, "base", 0, ranks(0))
    body = alice.get("/groups").content.decode()
    assert f'href="/groups/{group.pk}"' in body
    assert "1 of 6 succeeded, 5 active" in body
    assert 'href="/groups"' in alice.get("/runs").content.decode()
    assert f"causal of {group}" in alice.get("/runs").content.decode()
    page = alice.get(f"/runs/{group_run(group, 'causal', 0).pk}").content.decode()
    assert f'causal of <a href="/groups/{group.pk}"' in page


def test_an_empty_list_says_what_to_do(alice: Client) -> None:
    assert "No group of runs yet" in alice.get("/groups").content.decode()
