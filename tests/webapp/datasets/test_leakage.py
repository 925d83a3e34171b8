import pytest
from django.test import Client

from engine.errors import UserError
from engine.presets import get_preset
from tests.webapp.people import HOSTILE, People, form_of, make_run, make_version
from tests.webapp.searches.test_creating import fields as form_of_search
from webapp.datasets.models import Derived, Version
from webapp.experiments.actions import launch_group, launch_run
from webapp.experiments.models import GroupKind, Run
from webapp.searches.models import Search


def finding(severity: str, title: str) -> dict[str, object]:
    words = {"check": "counts-in-column", "severity": severity, "title": title, "text": "It means this.", "advice": "Do that."}
    return {**words, "count": 7, "of": 9, "column": "views", "examples": [HOSTILE]}


SERIOUS = {
    "split": "leave-one-out",
    "users": 1234,
    "findings": [finding("serious", f"views knows the test {HOSTILE}"), finding("warning", "38 % lie before")],
    "clean": ["Every user of the test has training rows."],
    "untold": ["Whether titles were written later."],
}


def address(version: Version, page: str = "") -> str:
    return f"/datasets/{version.dataset_id}/versions/{version.number}{page}"


def test_the_report_in_plain_words(bob: Client, people: People) -> None:
    version = make_version(people, leakage=SERIOUS)
    body = bob.get(address(version, "/leakage")).content.decode()
    words = ("views knows the test", "✕</span> serious", "It means this.", "Do that.", "1,234 users", "Every user of the test")
    for text in (*words, "Whether titles were written later."):
        assert text in body, text
    assert "<script>alert" not in body
    assert "hx-get" not in body
    summary = bob.get(address(version)).content.decode()
    assert "38 % lie before" in summary
    assert address(version, "/leakage") in summary


def test_a_version_without_a_report_can_have_one_made(bob: Client, version: Version) -> None:
    assert "Nobody has looked" in bob.get(address(version, "/leakage")).content.decode()
    assert not Derived.objects.exists()
    assert bob.post(address(version, "/leakage")).status_code == 302
    assert Derived.objects.get().kind == "leakage"
    body = bob.get(address(version, "/leakage")).content.decode()
    assert "Waiting for a worker" in body
    assert 'hx-trigger="every 2s"' in body
    Version.objects.update(leakage=SERIOUS)
    Derived.objects.update(state="ready")
    response = bob.get(address(version, "/leakage"), headers={"HX-Request": "true"})
    assert response.status_code == 286
    assert "views knows the test" in response.content.decode()


def test_a_split_that_cannot_be_made_is_said(bob: Client, people: People) -> None:
    version = make_version(people, leakage={"problem": "No user has the 3 interactions."})
    assert "No user has the 3 interactions." in bob.get(address(version, "/leakage")).content.decode()


def test_charlie_gets_404(charlie: Client, people: People) -> None:
    assert charlie.get(address(make_version(people, leakage=SERIOUS), "/leakage")).status_code == 404


def test_serious_leaks_must_be_acknowledged(people: People) -> None:
    version, spec = make_version(people, leakage=SERIOUS), get_preset("popularity").spec()
    with pytest.raises(UserError, match="has serious leaks: views knows the test") as caught:
        launch_run(version, people.alice, spec)
    assert "acknowledge_leakage" in caught.value.hint
    assert not Run.objects.exists()
    run = launch_run(version, people.alice, spec, acknowledge_leakage=True)
    assert [(one["check"], one["column"]) for one in run.acknowledged] == [("counts-in-column", "views")]
    # What was known before the leak was, or without one, says nothing.
    assert launch_run(make_version(people), people.alice, spec, acknowledge_leakage=True).acknowledged == []


def test_a_group_needs_a_source_that_acknowledged(people: People) -> None:
    from engine.study.ablations import ablation_study

    version = make_version(people, leakage=SERIOUS)
    spec = get_preset("darec-nano").spec()
    study = ablation_study(spec, (0,), None)
    with pytest.raises(UserError, match="has serious leaks"):
        launch_group(GroupKind.ABLATION, "x", make_run(version, "succeeded", "darec-nano"), people.alice, study)
    source = make_run(version, "succeeded", "darec-nano", acknowledged=[{"check": "x"}])
    group = launch_group(GroupKind.ABLATION, "x", source, people.alice, study)
    assert all(run.acknowledged for run in Run.objects.filter(variant__group=group))


def test_the_new_run_page_asks(alice: Client, people: People) -> None:
    version = make_version(people, leakage=SERIOUS)
    make_version(people)
    body = alice.get(f"/runs/new?version={version.pk}&preset=popularity").content.decode()
    assert 'name="acknowledge_leakage"' in body
    assert "views knows the test" in body
    assert "<script>alert" not in body
    part = alice.get(f"/runs/new?version={version.pk}", headers={"HX-Request": "true", "HX-Target": "leakage"}).content.decode()
    assert 'name="acknowledge_leakage"' in part
    assert "<html" not in part
    assert 'id="version"' not in part
    assert 'name="acknowledge_leakage"' not in alice.get("/runs/new?preset=popularity").content.decode()
    refused = alice.post("/runs/new", form_of("popularity", version=str(version.pk)))
    assert refused.status_code == 422
    assert "has serious leaks" in refused.content.decode()
    done = alice.post("/runs/new", form_of("popularity", version=str(version.pk), acknowledge_leakage="yes"))
    assert done.status_code == 302
    run = Run.objects.get()
    assert run.acknowledged[0]["column"] == "views"
    body = alice.get(f"/runs/{run.pk}").content.decode()
    assert "Launched although this version has serious leaks" in body
    assert "<script>alert" not in body


def test_the_new_search_page_asks_too(alice: Client, people: People) -> None:
    version = make_version(people, leakage=SERIOUS)
    body = alice.get(f"/searches/new?version={version.pk}").content.decode()
    assert 'name="acknowledge_leakage"' in body
    fields = form_of_search(version)
    refused = alice.post("/searches/new", fields)
    assert refused.status_code == 422
    assert "has serious leaks" in refused.content.decode()
    assert alice.post("/searches/new", {**fields, "acknowledge_leakage": "yes"}).status_code == 302
    assert Search.objects.count() == 1
