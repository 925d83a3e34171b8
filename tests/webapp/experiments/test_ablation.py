import re

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from engine.presets import get_preset
from engine.study.ablations import ablations_of
from tests.webapp.people import People, finish, make_run
from webapp import broker
from webapp.datasets.models import Version
from webapp.experiments import actions
from webapp.experiments.models import Run, RunGroup

NAMES = [variant.name for variant in ablations_of(get_preset("darec-nano").spec())]


@pytest.fixture
def run(version: Version) -> Run:
    return finish(make_run(version, preset="darec-nano"))


def fields(*variants: str, seeds: str = "0,1", name: str = "Parts") -> dict[str, str | list[str]]:
    return {"name": name, "seeds": seeds, "variants": list(variants)}


def test_the_form_lists_all_variants_and_says_how_many_runs_they_make(alice: Client, run: Run) -> None:
    body = alice.get(f"/runs/{run.pk}/ablation").content.decode()
    assert re.findall(r'name="variants" value="([\w-]+)" checked', body) == NAMES[1:]
    assert "no context mask: tokens see earlier tokens only" in body
    assert f"{len(NAMES)} variants with 3 seeds each: {len(NAMES) * 3} runs" in body
    assert f"if all take as long, that is {75 * len(NAMES) * 3 // 60} min" in body


def test_the_number_of_runs_follows_the_choice(alice: Client, run: Run) -> None:
    address = f"/runs/{run.pk}/ablation?name=x&seeds=0,1,2,3&variants=causal&variants=sasrec"
    part = alice.get(address, headers={"HX-Request": "true"}).content.decode()
    assert part.startswith("3 variants with 4 seeds each: 12 runs")
    whole = alice.get(address).content.decode()
    assert "3 variants with 4 seeds each: 12 runs" in whole
    assert re.findall(r'value="([\w-]+)" checked', whole) == ["causal", "sasrec"]


def test_launch(
    alice: Client, people: People, run: Run, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    run.spec["training"]["epochs"] = 7
    run.save()
    asked: list[int] = []
    monkeypatch.setattr(actions, "ask_or_wait", lambda task, row: task == broker.EXECUTE_TASK and not asked.append(row))
    with django_capture_on_commit_callbacks(execute=True):
        response = alice.post(f"/runs/{run.pk}/ablation", fields("causal", "sasrec"), follow=True)
    group = RunGroup.objects.get()
    assert response.redirect_chain == [(f"/groups/{group.pk}", 302)]
    assert "6 runs are queued" in response.content.decode()
    assert (group.name, group.source, group.project, group.created_by) == ("Parts", run, people.project, people.alice)
    assert [(variant.label, variant.position) for variant in group.variants.all()] == [("base", 0), ("causal", 1), ("sasrec", 2)]
    made = Run.objects.filter(variant__group=group).order_by("pk")
    assert [(one.variant.label, one.spec["training"]["seed"]) for one in made if one.variant] == [
        (label, seed) for seed in (0, 1) for label in ("base", "causal", "sasrec")
    ]
    assert {one.spec["training"]["epochs"] for one in made} == {7}
    assert [one.method for one in made[:3]] == ["darec", "darec", "sasrec"]
    assert [one.spec["method"].get("mask") for one in made[:2]] == [run.spec["method"]["mask"], "causal"]
    assert {(one.state, one.folder_key) for one in made} == {("queued", f"runs/{one.pk}") for one in made}
    assert asked == [one.pk for one in made]


def test_a_dead_broker_is_asked_once(
    alice: Client, run: Run, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(actions, "ask_or_wait", lambda task, row: asked.append(row))
    with django_capture_on_commit_callbacks(execute=True):
        alice.post(f"/runs/{run.pk}/ablation", fields("causal"))
    assert len(asked) == 1
    assert Run.objects.filter(state="queued").count() == 4


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (fields("causal", "rm -rf"), "There is no ablation &#x27;rm -rf&#x27; of this run"),
        (fields("base"), "There is no ablation &#x27;base&#x27; of this run"),
        (fields(), "Choose at least one variant beside the base."),
        (fields("causal", seeds="0,x"), "Got &#x27;x&#x27;, must be a whole number from 0 to 2,147,483,647."),
        (fields("causal", seeds="-1"), "Got &#x27;-1&#x27;, must be a whole number"),
        (fields("causal", seeds="2147483648"), "must be a whole number from 0"),
        (fields("causal", seeds="²"), "Got &#x27;²&#x27;, must be a whole number"),
        (fields("causal", seeds=","), "Got 0 seeds, must be 1 to 10."),
        (fields("causal", seeds="0,1,2,3,4,5,6,7,8,9,10"), "Got 11 seeds, must be 1 to 10."),
        (fields("causal", seeds="1,2,1"), "A seed stands there twice"),
        (fields("causal", name="a\x00b"), "Null characters are not allowed."),
        (fields("causal", name="a" * 121), "at most 120 characters"),
    ],
)
def test_what_is_forged_is_refused_and_nothing_is_left(
    alice: Client, run: Run, values: dict[str, str | list[str]], words: str
) -> None:
    response = alice.post(f"/runs/{run.pk}/ablation", values)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert Run.objects.get() == run
    assert not RunGroup.objects.exists()


def test_all_or_nothing(alice: Client, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Run] = []
    create = actions.create_run

    def failing(*arguments: object) -> Run:
        if len(made) == 3:
            raise RuntimeError("in the middle")
        made.append(create(*arguments))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(actions, "create_run", failing)
    with pytest.raises(RuntimeError, match="in the middle"):
        alice.post(f"/runs/{run.pk}/ablation", fields("causal"))
    assert Run.objects.get() == run
    assert not RunGroup.objects.exists()


def test_a_version_that_is_no_longer_ready_is_refused(alice: Client, run: Run) -> None:
    run.version.state = "failed"
    run.version.save()
    response = alice.post(f"/runs/{run.pk}/ablation", fields("causal"))
    assert response.status_code == 422
    assert "Beauty v1 is failed, not ready" in response.content.decode()
    assert not RunGroup.objects.exists()


def test_a_method_without_ablations_says_so(alice: Client, version: Version) -> None:
    run = finish(make_run(version))
    body = alice.get(f"/runs/{run.pk}/ablation", follow=True).content.decode()
    assert f"run-{run.pk} cannot be ablated. sasrec has no ablations." in body
    assert f'href="/runs/{run.pk}/ablation"' not in body


def test_a_spec_that_is_no_longer_valid_says_so(alice: Client, run: Run) -> None:
    run.spec["training"]["gone"] = 1
    run.save()
    assert "there is no such setting" in alice.post(f"/runs/{run.pk}/ablation", fields("causal"), follow=True).content.decode()
    assert not RunGroup.objects.exists()


def test_the_runs_page_has_the_button_for_those_who_may(alice: Client, bob: Client, run: Run) -> None:
    button = f'href="/runs/{run.pk}/ablation"'
    assert button in alice.get(f"/runs/{run.pk}").content.decode()
    assert button not in bob.get(f"/runs/{run.pk}").content.decode()


def test_roles(bob: Client, charlie: Client, people: People, run: Run) -> None:
    address = f"/runs/{run.pk}/ablation"
    assert bob.get(address).status_code == 403
    response = bob.post(address, fields("causal"))
    assert response.status_code == 403
    assert "needs the role researcher" in response.content.decode()
    assert charlie.get(address).status_code == 404
    assert charlie.post(address, fields("causal")).status_code == 404
    assert not RunGroup.objects.exists()
    assert people.client("bob", "researcher").post(address, fields("causal")).status_code == 302
