"""Launching groups from the new-run page: over seeds, methods x versions, ablations."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from engine.presets import get_preset, presets
from engine.study.ablations import ablations_of
from tests.webapp.people import PROTOCOL, People, form_of, make_version
from webapp import broker
from webapp.datasets.models import Version
from webapp.experiments import actions
from webapp.experiments.groups import standings
from webapp.experiments.models import Run, RunGroup

HTMX = {"HX-Request": "true"}
SERIOUS = {
    "findings": [{"severity": "serious", "check": "columns", "column": "next", "title": "It stands in <next>."}],
    "clean": [],
}


def fields(version: Version, kind: str, preset: str = "sasrec", **more: Any) -> dict[str, Any]:
    return {"version": version.pk, **form_of(preset), "launch_as": kind, "seeds": "0,1", **more}


def test_one_run_is_the_default(alice: Client, version: Version) -> None:
    body = alice.get(f"/runs/new?version={version.pk}").content.decode()
    assert re.search(r'name="launch_as" value="one" checked', body)
    alice.post("/runs/new", fields(version, "nonsense"))
    assert Run.objects.get().variant is None


def test_over_seeds(
    alice: Client, people: People, version: Version, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked: list[int] = []
    monkeypatch.setattr(actions, "ask_or_wait", lambda task, row: task == broker.EXECUTE_TASK and not asked.append(row))
    wanted = {**fields(version, "seeds", seeds="3, 4,5"), "training.epochs": "7", "group_name": "Luck"}
    with django_capture_on_commit_callbacks(execute=True):
        response = alice.post("/runs/new", wanted, follow=True)
    group = RunGroup.objects.get()
    assert response.redirect_chain == [(f"/groups/{group.pk}", 302)]
    assert (group.kind, group.name, group.version, group.source, group.created_by) == (
        "seeds",
        "Luck",
        version,
        None,
        people.alice,
    )
    runs = Run.objects.order_by("pk")
    assert [(run.spec["training"]["seed"], run.spec["training"]["epochs"]) for run in runs] == [(3, 7), (4, 7), (5, 7)]
    assert asked == [run.pk for run in runs]
    body = response.content.decode()
    assert "3 runs are queued" in body
    assert "Over seeds" in body
    assert "Difference to the" not in body


def test_an_ablation_without_a_run_before(alice: Client, version: Version) -> None:
    names = [variant.name for variant in ablations_of(get_preset("darec-nano").spec())][1:]
    body = alice.get(f"/runs/new?version={version.pk}&preset=darec-nano").content.decode()
    assert re.findall(r'name="variants" value="([\w-]+)" checked', body) == names
    assert 'value="ablation"' not in alice.get(f"/runs/new?version={version.pk}&preset=sasrec").content.decode()
    response = alice.post("/runs/new", fields(version, "ablation", "darec-nano", variants=["causal", "ids-only"]))
    assert response.status_code == 302
    group = RunGroup.objects.get()
    assert [variant.label for variant in group.variants.all()] == ["base", "causal", "ids-only"]
    assert Run.objects.filter(variant__group=group).count() == 6


def test_methods_and_versions(alice: Client, people: People, version: Version) -> None:
    other, unused = make_version(people, "Toys"), make_version(people, "Unused")
    wanted = fields(version, "grid", also_preset=["popularity", "gru4rec", "sasrec"], also_version=[other.pk, version.pk])
    wanted |= {"training.minutes": "5", "training.epochs": "3", "evaluation.seen": "keep"}
    response = alice.post("/runs/new", wanted, follow=True)
    body = response.content.decode()
    group = RunGroup.objects.get()
    assert "12 runs are queued" in body
    assert (group.kind, group.version) == ("grid", version)
    made = [(variant.version, variant.label) for variant in group.variants.select_related("version")]
    labels = ["sasrec", "popularity", "gru4rec"]
    assert made == [(one, label) for one in (version, other) for label in labels]
    runs = Run.objects.filter(variant__group=group)
    assert {run.version_id for run in runs} == {version.pk, other.pk}
    assert not unused.runs.exists()
    assert {(run.spec["evaluation"]["seen"], run.spec["training"]["minutes"]) for run in runs} == {("keep", 5.0)}
    assert {run.spec["training"]["epochs"] for run in runs if run.method == "sasrec"} == {3}
    assert {run.spec["training"]["epochs"] for run in runs if run.method == "gru4rec"} == {200}
    assert body.count('<table class="variants">') == 2
    assert "Difference to the first row" in body


def test_each_version_has_a_base_and_a_protocol_of_its_own(alice: Client, people: People, version: Version) -> None:
    other = make_version(people, "Toys")
    alice.post("/runs/new", fields(version, "grid", also_preset=["popularity"], also_version=[other.pk]))
    group = RunGroup.objects.get()
    for run in Run.objects.filter(variant__group=group):
        run.state, run.protocol, run.users_evaluated = "succeeded", {**PROTOCOL, "version": str(run.version_id)}, 600
        run.test = {"ndcg@10": 0.1 * run.version_id, "hr@10": 0.2}
        run.save()
    one, two = standings(group)
    assert (one.version, two.version) == (version, other)
    for now in (one, two):
        base, row = now.variants
        assert now.pair(base) is None
        assert len(now.counted[base.pk]) == len(now.counted[row.pk]) == 2
        pair = now.pair(row)
        assert pair == {name: sorted(r.pk for r in now.counted[v.pk]) for name, v in (("runs", row), ("base", base))}
        assert {run.version_id for variant in now.variants for run in now.counted[variant.pk]} == {now.version.pk}  # type: ignore[union-attr]


def test_all_known_presets_can_stand_in_a_grid(alice: Client, version: Version) -> None:
    response = alice.post("/runs/new", fields(version, "grid", also_preset=presets().names()))
    assert response.status_code == 302
    assert Run.objects.count() == 2 * len(presets().names())


def test_leaks_are_known_version_by_version(alice: Client, people: People, version: Version) -> None:
    leaky = make_version(people, "Leaky", leakage=SERIOUS)
    body = alice.get(f"/runs/new?version={version.pk}").content.decode()
    assert "It stands in &lt;next&gt;." in body
    wanted = fields(version, "grid", also_version=[leaky.pk])
    refused = alice.post("/runs/new", {**wanted, "acknowledge_leakage": "yes"})
    assert refused.status_code == 422
    assert "Leaky v1 has serious leaks" in refused.content.decode()
    assert not RunGroup.objects.exists()
    assert alice.post("/runs/new", {**wanted, "acknowledge": [leaky.pk]}).status_code == 302
    assert {run.version_id: bool(run.acknowledged) for run in Run.objects.all()} == {version.pk: False, leaky.pk: True}


def test_the_chosen_version_is_acknowledged_above(alice: Client, people: People) -> None:
    leaky = make_version(people, "Leaky", leakage=SERIOUS)
    assert alice.post("/runs/new", fields(leaky, "seeds")).status_code == 422
    assert alice.post("/runs/new", fields(leaky, "seeds", acknowledge_leakage="yes")).status_code == 302


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        ("seeds", {"seeds": "0,0"}, "A seed stands there twice"),
        ("seeds", {"seeds": ""}, "Got 0 seeds, must be 1 to 10."),
        ("seeds", {"group_name": "x" * 121}, "must have 120 or fewer"),
        ("grid", {"also_preset": ["nope"]}, "There is no preset"),
        ("grid", {"also_version": ["99999"]}, "not ready any more, or not of this project"),
        ("ablation", {}, "Choose at least one variant"),
        ("ablation", {"variants": ["nope"]}, "there is no such ablation"),
        ("ablation", {"preset": "sasrec", "variants": ["causal"]}, "sasrec has no ablations"),
    ],
)
def test_what_cannot_be_launched_is_said_and_nothing_is_left(
    alice: Client, version: Version, kind: str, more: dict[str, Any], words: str
) -> None:
    wanted = {**fields(version, kind, more.get("preset", "darec-nano")), **more}
    assert words in alice.post("/runs/new/check", wanted, headers=HTMX).content.decode()
    response = alice.post("/runs/new", wanted)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not RunGroup.objects.exists()
    assert not Run.objects.exists()


def test_versions_of_others_are_not_taken(alice: Client, people: People, version: Version) -> None:
    from webapp.datasets.models import Dataset, VersionState

    dataset = Dataset.objects.create(project=people.charlie.projects.get(), name="Own", created_by=people.charlie)
    foreign = Version.objects.create(
        dataset=dataset, number=1, state=VersionState.READY, users=9, items=9, interactions=99, upload_key="x",
        hash="ef" * 32, filters={}, created_by=people.charlie,
    )  # fmt: skip
    assert alice.post("/runs/new", fields(version, "grid", also_version=[foreign.pk])).status_code == 422
    assert not RunGroup.objects.exists()


def test_too_many_runs_are_refused(alice: Client, people: People, version: Version) -> None:
    others = [make_version(people, f"Data {number}").pk for number in range(2)]
    seeds = ",".join(str(seed) for seed in range(10))
    wanted = fields(version, "grid", seeds=seeds, also_preset=presets().names(), also_version=others)
    said = alice.post("/runs/new/check", wanted, headers=HTMX).content.decode()
    words = f"That makes {3 * 10 * len(presets().names())} runs; at most 200 may be launched at once."
    assert words in said
    response = alice.post("/runs/new", wanted)
    assert (response.status_code, words in response.content.decode()) == (422, True)
    assert not Run.objects.exists()


def test_all_or_nothing(alice: Client, people: People, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    create = actions.create_run

    def failing(*arguments: Any) -> Run:
        if Run.objects.count() == 3:
            raise RuntimeError("in the middle")
        return create(*arguments)

    monkeypatch.setattr(actions, "create_run", failing)
    with pytest.raises(RuntimeError, match="in the middle"):
        alice.post("/runs/new", fields(version, "grid", also_preset=["popularity"]))
    assert not Run.objects.exists()
    assert not RunGroup.objects.exists()


def test_the_amount_is_said_as_it_is_chosen(alice: Client, people: People, version: Version) -> None:
    other = make_version(people, "Toys")
    wanted = fields(version, "grid", also_preset=["popularity"], also_version=[other.pk])
    assert "That makes <b>8 runs</b>" in alice.post("/runs/new/check", wanted, headers=HTMX).content.decode()


def test_viewers_launch_nothing(bob: Client, version: Version) -> None:
    assert bob.post("/runs/new", fields(version, "seeds")).status_code == 403
    assert not RunGroup.objects.exists()


def test_the_page_of_a_large_grid_takes_few_queries(
    alice: Client, people: People, version: Version, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    others = [make_version(people, f"Data {number}").pk for number in range(3)]
    alice.post("/runs/new", fields(version, "grid", also_preset=["popularity", "markov", "gru4rec"], also_version=others))
    group = RunGroup.objects.get()
    with django_assert_max_num_queries(10):
        body = alice.get(f"/groups/{group.pk}").content.decode()
    assert body.count('<table class="variants">') == 4
    with django_assert_max_num_queries(10):
        assert "methods x versions" in alice.get("/groups").content.decode()
