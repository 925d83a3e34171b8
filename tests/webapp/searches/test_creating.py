import re

import pytest
from django.test import Client

from engine.errors import SpecError
from engine.search.presets import search_presets
from engine.search.spec import FurtherField
from tests.webapp.people import HOSTILE, People, make_version
from webapp.datasets.models import Version
from webapp.searches import further
from webapp.searches.form import PlanForm
from webapp.searches.models import Search


def fields(version: Version, preset: str = "search-nano", **changes: object) -> dict[str, object]:
    """What a browser sends of the untouched form; ``changes`` name fields with ``__`` for dots, lists are ticked boxes."""
    form = PlanForm(search_presets().get(preset))
    values: dict[str, object] = {}
    for member in [*form.main, *(field for group in (*form.own, *form.full) for field in group.fields)]:
        ticked = [tick["name"] for tick in member.ticks if tick["on"]]
        values[member.description.path] = ticked or member.value
    changed = {name.replace("__", "."): value for name, value in changes.items()}
    return {"version": version.pk, "preset": preset, **values, **changed}


@pytest.mark.parametrize("preset", search_presets().names())
def test_the_untouched_form_is_the_preset(alice: Client, version: Version, preset: str) -> None:
    response = alice.post("/searches/new", fields(version, preset), follow=True)
    search = Search.objects.get()
    assert response.redirect_chain == [(f"/searches/{search.pk}", 302)]
    assert search.plan == search_presets().get(preset).plan().model_dump(mode="json")
    assert search.at_once == 2
    assert "No trial yet" in response.content.decode()


def test_changed_settings(alice: Client, version: Version, people: People) -> None:
    changes = {
        "trials": "7",
        "space__kinds": ["lora", "dora"],
        "space__targets": ["both"],
        "space__ranks": "4, 8",
        "space__groups": "2",
        "space__budget": "300000",
        "space__further": "training.learning_rate: 0.0003 to 0.003, log\nmethod.mask: causal | union, start union",
        "run__training__minutes": "2.5",
        "run__training__batch_size": "16",
        "at_once": "3",
        "optimiser": "tpe",
    }
    alice.post("/searches/new", fields(version, **changes))
    search = Search.objects.get()
    plan = search.read_plan()
    assert (plan.trials, plan.optimiser, search.at_once, search.created_by) == (7, "tpe", 3, people.alice)
    assert (plan.space.kinds, plan.space.targets, plan.space.ranks) == (("lora", "dora"), ("both",), (4, 8))
    assert (plan.space.groups, plan.space.budget, plan.run.training.minutes, plan.run.training.batch_size) == (
        2,
        300_000,
        2.5,
        16,
    )
    assert plan.space.further == (
        FurtherField(path="training.learning_rate", low=0.0003, high=0.003, log=True),
        FurtherField(path="method.mask", choices=("causal", "union"), start="union"),
    )


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("trials", "0", "Got 0, must be 1 or more"),
        ("trials", HOSTILE, "must be a whole number"),
        ("space.kinds", ["none"], "must hold a kind of adapter"),
        ("space.kinds", [], "must hold a kind of adapter"),
        ("space.targets", [], "Got no target"),
        ("space.ranks", "4, x", "must be a whole number"),
        ("space.ranks", "", "Got no rank"),
        ("space.groups", "two", "must be free, a number, or numbers with commas"),
        ("space.groups", "0, 2", "without a gap"),
        ("space.budget", "-1", "must be 0 or more"),
        ("space.further", "learning rate", "Line 1: got &#x27;learning rate&#x27;"),
        ("space.further", "training.nope: 1 to 2", "there is no such setting"),
        ("space.further", "training.learning_rate: 3 to 2", "low must be the smaller"),
        ("run.training.minutes", "", "a search needs to know how long a full training is"),
        ("share", "2", "must be 1.0 or less"),
        ("at_once", "0", "must be 1 to 64"),
        ("run.method.nano.layers", "0", "must be 1 or more"),
    ],
)
def test_wrong_values_are_said_at_their_fields_and_kept(
    alice: Client, version: Version, path: str, value: object, words: str
) -> None:
    response = alice.post("/searches/new", {**fields(version), path: value})
    body = response.content.decode()
    assert response.status_code == 422
    assert not Search.objects.exists()
    assert "<script>alert" not in body
    wrong = re.findall(r'class="field[^"]*\bwrong\b[^>]*>.*?</(?:div|fieldset)>', body, re.DOTALL)
    assert len(wrong) == 1
    assert f'name="{path}"' in wrong[0]
    assert words in wrong[0]
    assert "so there is no estimate" in body or path == "at_once"


def test_the_estimate(alice: Client, version: Version) -> None:
    values = {**fields(version, trials="100"), "estimate": "1"}
    body = alice.get("/searches/new", values, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in body
    # A quarter of 6 minutes is the CF model's stage, trained once; trials get 10 % of the rest, the final 3 x (1.5 + 2 x 4.5).
    assert "46 min 30 s" in body
    assert "31 min 30 s" in body


def test_another_preset_loads_its_settings_only(alice: Client, version: Version) -> None:
    body = alice.get("/searches/new?preset=search-minilm", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in body
    assert 'value="15"' in body
    assert "There is no search preset" in alice.get("/searches/new?preset=nope").content.decode()


def test_without_data_it_says_what_to_do(alice: Client) -> None:
    assert "No dataset version is ready yet" in alice.get("/searches/new").content.decode()


def test_a_version_that_is_not_ready_is_refused(alice: Client, people: People, version: Version) -> None:
    queued = make_version(people, "Other", state="queued")
    response = alice.post("/searches/new", fields(queued))
    assert response.status_code == 422
    assert "Other v1 is queued, not ready" in response.content.decode()


def test_roles(bob: Client, charlie: Client, people: People, version: Version) -> None:
    assert bob.get("/searches/new").status_code == 403
    assert bob.post("/searches/new", fields(version)).status_code == 403
    assert charlie.post("/searches/new", fields(version)).status_code == 404
    assert charlie.get(f"/searches/new?version={version.pk}").status_code == 404
    assert not Search.objects.exists()
    assert people.client("bob", "researcher").post("/searches/new", fields(version)).status_code == 302


def test_lines_of_further_settings_are_read_back() -> None:
    known = (
        FurtherField(path="training.learning_rate", low=1e-4, high=0.01, log=True, levels=9, start=0.001),
        FurtherField(path="method.injection.gate", low=0, high=1),
        FurtherField(path="method.mask", choices=("causal", "union"), start="union"),
        FurtherField(path="method.injection.joint", choices=(True, False)),
    )
    assert tuple(FurtherField.model_validate(values) for values in further.read(further.write(known))) == known


def test_settings_in_words() -> None:
    values = {"training.learning_rate": 0.00123456789, "method.mask": "causal", "method.injection.joint": True}
    assert further.words(values) == "learning rate 0.00123457, mask causal, joint true"


@pytest.mark.parametrize("line", ["x", "a.b:", "a.b: 1 to 2, fast", "a.b: 1 to 2, levels", ":"])
def test_a_line_that_says_nothing_known_is_refused(line: str) -> None:
    with pytest.raises(SpecError, match="line 2"):
        further.read(f"a.b: 1 to 2\n{line}")
