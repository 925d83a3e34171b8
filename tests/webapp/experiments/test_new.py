from django.test import Client

from engine.methods import METHODS
from engine.presets import presets
from tests.webapp.people import HOSTILE, People, form_of, make_run, make_version
from webapp.datasets.models import Version
from webapp.experiments.models import Run


def test_cards_presets_and_settings(alice: Client, version: Version) -> None:
    body = alice.get("/runs/new").content.decode()
    for entry in METHODS:
        assert entry.title in body
        assert entry.paper in body
    for preset in presets():
        assert f'value="{preset.name}"' in body
    assert "peak learning rate of AdamW" in body
    assert "Beauty v1: 600 users, 240 items, 9,120 interactions" in body


def test_without_data_it_says_what_to_do(alice: Client) -> None:
    body = alice.get("/runs/new").content.decode()
    assert "No dataset version is ready yet" in body
    assert 'href="/datasets/new"' in body


def test_another_preset_loads_its_settings_only(alice: Client, version: Version) -> None:
    response = alice.get("/runs/new?preset=sasrec-bce", headers={"HX-Request": "true"})
    body = response.content.decode()
    assert "<html" not in body
    assert 'name="method.negatives"' in body
    whole = alice.get("/runs/new?preset=sasrec-bce").content.decode()
    assert 'name="method.negatives"' in whole
    assert "<html" in whole


def test_launch(alice: Client, people: People, version: Version) -> None:
    response = alice.post("/runs/new", {"version": version.pk, **form_of("sasrec", training__epochs="2")}, follow=True)
    run = Run.objects.get()
    assert response.redirect_chain == [(f"/runs/{run.pk}", 302)]
    assert f"run-{run.pk} is queued" in response.content.decode()
    assert run.spec["training"]["epochs"] == 2
    assert run.created_by == people.alice


def test_wrong_values_are_said_at_their_fields_and_kept(alice: Client, version: Version) -> None:
    values = form_of("sasrec", training__epochs="0", training__learning_rate=HOSTILE)
    response = alice.post("/runs/new", {"version": version.pk, **values})
    body = response.content.decode()
    assert response.status_code == 422
    assert "Got 0, must be 1 or more" in body
    assert 'aria-invalid="true"' in body
    assert "&lt;script&gt;alert" in body
    assert "<script>alert" not in body
    assert not Run.objects.exists()


def test_unknown_preset_lists_those_that_exist(alice: Client, version: Version) -> None:
    for response in (
        alice.get("/runs/new?preset=nope"),
        alice.post("/runs/new", {"version": version.pk, **form_of("sasrec"), "preset": "nope"}),
    ):
        body = response.content.decode()
        assert "There is no preset &#x27;nope&#x27;" in body
        assert ", ".join(presets().names()) in body
    assert not Run.objects.exists()


def test_a_version_that_is_not_ready_is_refused(alice: Client, people: People, version: Version) -> None:
    queued = make_version(people, "Other", state="queued")
    response = alice.post("/runs/new", {"version": queued.pk, **form_of("popularity")})
    assert response.status_code == 422
    assert "Other v1 is queued, not ready" in response.content.decode()


def test_clone_shows_the_runs_settings(alice: Client, version: Version) -> None:
    run = make_run(version)
    run.spec["training"]["epochs"] = 77
    run.save()
    body = alice.get(f"/runs/new?clone={run.pk}").content.decode()
    assert f"cloned from run-{run.pk}" in body
    assert 'value="77"' in body


def test_clone_of_a_spec_that_is_no_longer_valid_says_so(alice: Client, version: Version) -> None:
    run = make_run(version)
    run.spec["training"]["gone"] = 1
    run.save()
    response = alice.get(f"/runs/new?clone={run.pk}")
    assert response.status_code == 200
    assert "no longer valid" in response.content.decode()


def test_roles(bob: Client, charlie: Client, people: People, version: Version) -> None:
    run = make_run(version)
    fields = {"version": version.pk, **form_of("popularity")}
    response = bob.post("/runs/new", fields)
    assert response.status_code == 403
    assert "needs the role researcher" in response.content.decode()
    assert bob.get("/runs/new").status_code == 403
    assert charlie.post("/runs/new", fields).status_code == 404
    assert charlie.get(f"/runs/new?version={version.pk}").status_code == 404
    assert charlie.get(f"/runs/new?clone={run.pk}").status_code == 404
    assert people.client("bob", "researcher").post("/runs/new", fields).status_code == 302


def test_the_role_counts_where_the_version_is(people: People, version: Version) -> None:
    own = people.charlie.projects.get()
    people.project.memberships.create(user=people.charlie, role="viewer")
    client = people.client("charlie")
    client.post("/project", {"project": str(own.pk)})
    assert client.post("/runs/new", {"version": version.pk, **form_of("popularity")}).status_code == 403
    assert not Run.objects.exists()
