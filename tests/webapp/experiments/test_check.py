"""The form as one types: problems, cost, differences, warnings, and the address that opens it again."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.webapp.people import HOSTILE, People, finish, form_of, make_run, make_version
from webapp.datasets.models import Version
from webapp.experiments.models import Run

HTMX = {"HX-Request": "true"}


def check(client: Client, version: Version, preset: str = "sasrec", **changes: str) -> Any:
    return client.post("/runs/new/check", {"version": version.pk, **form_of(preset, **changes)}, headers=HTMX)


def part(body: str, name: str) -> str:
    """What goes into the place of this name."""
    found = re.search(rf'<div id="{name}" hx-swap-oob="innerHTML">(.*?)</div>\s*(<div id=|$)', body, re.S)
    assert found, name
    return unescape(found[1])


def measured(version: Version, preset: str = "sasrec", **values: Any) -> Run:
    run = finish(make_run(version, preset=preset))
    known = {"machine": "CPU, 2 threads", "peak_memory_bytes": 300_000_000, "seconds": 600.0, "epochs": 60, **values}
    for name, value in known.items():
        setattr(run, name, value)
    run.save()
    return run


def test_each_problem_goes_to_its_field(alice: Client, version: Version) -> None:
    body = check(alice, version, training__epochs="0", method__window=HOSTILE).content.decode()
    assert "<html" not in body
    assert "Got 0, must be 1 or more" in part(body, "problems-training-epochs")
    assert "must be a whole number" in part(body, "problems-method-window")
    assert "<script>" not in body
    assert part(body, "problems-training-patience") == ""
    assert "2 settings to correct" in part(body, "problems-top")
    assert 'href="#training.epochs"' in part(body, "problems-top")
    assert "✕ 1 to correct" in part(body, "wrong-training")
    assert "Known once these are right" in part(body, "advice")
    assert not Run.objects.exists()


def test_rules_between_fields(alice: Client, version: Version) -> None:
    body = check(alice, version, "darec-nano", method__text__window="60").content.decode()
    assert "must be 60 (text.window) or more" in part(body, "problems-method-injection-sasrec-window")
    body = check(alice, version, method__dimensions="63").content.decode()
    assert "must be a multiple of 2" in part(body, "problems-group-method")


def test_a_right_form_has_none(alice: Client, version: Version) -> None:
    body = check(alice, version).content.decode()
    assert part(body, "problems-top").strip() == ""
    assert "Nothing: these are the settings of sasrec." in part(body, "advice")


def test_without_javascript_it_is_the_whole_page(alice: Client, version: Version) -> None:
    response = alice.post("/runs/new/check", {"version": version.pk, **form_of("sasrec", training__epochs="0")})
    body = response.content.decode()
    assert "<html" in body
    assert "Got 0, must be 1 or more" in body
    assert 'aria-invalid="true"' in body


def test_who_may_check(bob: Client, charlie: Client, version: Version) -> None:
    assert check(bob, version).status_code == 403
    assert check(charlie, version).status_code == 404
    assert bob.get("/runs/new/check").status_code == 405


def test_cost_without_earlier_runs(alice: Client, version: Version) -> None:
    advice = part(check(alice, version, training__minutes="8").content.decode(), "advice")
    assert "No run of SASRec that says what it cost has finished" in advice
    assert "Training stops after 8 min 00 s at the latest." in advice
    assert re.search(r"[\d,]{5,} <span class=\"quiet\">by arithmetic", advice)


def test_cost_from_earlier_runs(alice: Client, version: Version) -> None:
    measured(version, seconds=500.0)
    measured(version, seconds=700.0)
    advice = part(check(alice, version).content.decode(), "advice")
    assert "about 10 min 00 s (8 min 20 s to 11 min 40 s)" in advice
    assert "about 286 MB" in advice
    assert "From 2 earlier runs of SASRec on CPU, 2 threads, on this version." in advice
    fewer = part(check(alice, version, training__epochs="6", method__blocks="3").content.decode(), "advice")
    assert "about 1 min 00 s" in fewer
    assert "differs in 1 setting." in fewer


def test_cost_from_another_version_and_parameters_of_a_loaded_backbone(alice: Client, people: People, version: Version) -> None:
    measured(make_version(people, "Twice", interactions=18240), seconds=1200.0)
    advice = part(check(alice, version).content.decode(), "advice")
    assert "on another version, scaled by its interactions" in advice
    assert "about 10 min 00 s" in advice
    body = check(alice, version, "darec-nano", method__backbone="owner/model").content.decode()
    assert "known once the backbone is loaded" in part(body, "advice")


def test_runs_of_other_projects_tell_nothing(people: People, version: Version, charlie: Client) -> None:
    measured(version)
    from webapp.datasets.models import Dataset, VersionState

    dataset = Dataset.objects.create(project=people.charlie.projects.get(name="Elsewhere"), name="Own", created_by=people.charlie)
    own = Version.objects.create(
        dataset=dataset, number=1, state=VersionState.READY, users=9, items=9, interactions=99, upload_key="x",
        hash="ef" * 32, filters={}, created_by=people.charlie,
    )  # fmt: skip
    assert "No run of SASRec" in part(check(charlie, own).content.decode(), "advice")


def test_settings_without_effect_and_windows_that_are_too_long(alice: Client, version: Version) -> None:
    advice = part(check(alice, version, method__negatives="7").content.decode(), "advice")
    assert "has no effect: only the losses bce and gbce draw negatives." in advice
    changes = {"method__text__window": "50", "method__text__max_item_tokens": "30"}
    advice = part(check(alice, version, "darec-minilm", method__mask="union", **changes).content.decode(), "advice")
    assert "need up to 1,552 positions, but minilm reads 512" in advice
    assert "too long" not in check(alice, version, "darec-nano").content.decode()


def test_an_adapter_that_the_backbone_cannot_have_is_a_warning(alice: Client, version: Version) -> None:
    advice = part(check(alice, version, "darec-nano", method__architecture="lokr/both/64").content.decode(), "advice")
    assert "got lokr with rank 64" in advice


def test_the_address_opens_the_same_form(alice: Client, version: Version) -> None:
    response = check(alice, version, training__epochs="20", method__window="many", method__dropout="0.25")
    address = response["HX-Replace-Url"]
    query = parse_qs(urlsplit(address).query)
    assert query == {
        "preset": ["sasrec"],
        "version": [str(version.pk)],
        "training.epochs": ["20"],
        "method.window": ["many"],
        "method.dropout": ["0.25"],
    }
    body = alice.get(address).content.decode()
    assert 'value="many"' in body
    assert "Got &#x27;many&#x27;, must be a whole number" in body
    assert body.count('class="field changed') == 3
    assert address.replace("&", "&amp;") in body


def test_what_an_address_gets_wrong_is_said(alice: Client, version: Version) -> None:
    body = alice.get(f"/runs/new?version={version.pk}&preset=sasrec&training.nope=1&method.loss=mse").content.decode()
    assert "training.nope: sasrec has no such setting." in body
    assert "<option selected>mse</option>" in body
    assert "must be &#x27;ce&#x27;, &#x27;bce&#x27; or &#x27;gbce&#x27;" in body


def test_an_empty_value_in_an_address_is_none(alice: Client, version: Version) -> None:
    run = make_run(version)
    run.spec["training"]["minutes"] = 7.0
    run.save()
    body = alice.get(f"/runs/new?clone={run.pk}&training.minutes=").content.decode()
    assert re.search(r'id="training.minutes" name="training.minutes" value=""', body)


def test_a_clone_says_what_differs_from_its_source_and_from_the_preset(alice: Client, version: Version) -> None:
    run = make_run(version)
    run.spec["training"]["epochs"] = 77
    run.save()
    fields = form_of("sasrec", training__epochs="77", training__patience="4")
    response = alice.post("/runs/new/check", {"version": version.pk, "clone": run.pk, **fields}, headers=HTMX)
    advice = part(response.content.decode(), "advice")
    rows = [re.sub(r"<[^>]+>", " ", row).split() for row in re.findall(r"<tr>(.*?)\n", advice)]
    assert ["Training", "·", "Epochs", "77", "200", "77"] in rows
    assert ["Training", "·", "Patience", "4", "10", "10"] in rows
    query = parse_qs(urlsplit(response["HX-Replace-Url"]).query)
    assert query["clone"] == [str(run.pk)]
    assert "training.epochs" not in query
    assert query["training.patience"] == ["4"]
    launched = alice.post("/runs/new", {"version": version.pk, "clone": run.pk, **fields})
    assert launched.status_code == 302


def test_a_search_begins_with_the_same_settings(alice: Client, version: Version) -> None:
    body = check(alice, version, "darec-nano", training__epochs="33").content.decode()
    address = re.search(r'href="(/searches/new[^"]*)" id="as-search"', part(body, "ways-amount"))
    assert address
    page = alice.get(unescape(address[1])).content.decode()
    assert re.search(r'id="run.training.epochs"[^>]*value="33"', page)
    assert "as-search" not in check(alice, version, "sasrec").content.decode()


def test_another_preset_brings_its_advice_along(alice: Client, version: Version) -> None:
    response = alice.get(f"/runs/new?version={version.pk}&preset=gru4rec", headers={**HTMX, "HX-Target": "settings"})
    body = response.content.decode()
    assert 'name="method.hidden"' in body
    assert "these are the settings of gru4rec" in part(body, "advice")
    assert response["HX-Replace-Url"] == f"/runs/new?preset=gru4rec&version={version.pk}"


@pytest.mark.parametrize("preset", ["darec-nano", "sasrec"])
def test_queries_do_not_grow(
    alice: Client, people: People, version: Version, preset: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        measured(make_version(people, f"Data {number}"), preset)
    with django_assert_max_num_queries(10):
        assert alice.get(f"/runs/new?version={version.pk}&preset={preset}").status_code == 200
    with django_assert_max_num_queries(10):
        assert check(alice, version, preset).status_code == 200
