"""Nobody makes a worker read a folder of its machine by naming it as a backbone."""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from engine.errors import SpecError
from engine.presets import get_preset
from engine.search.presets import search_presets
from engine.spec import override, parse_spec
from tests.webapp.people import People, form_of
from webapp.accounts.models import Scope
from webapp.accounts.tokens import issue_token
from webapp.datasets.models import Question, Version
from webapp.experiments.actions import launch_run
from webapp.experiments.backbones import check_backbones
from webapp.experiments.models import Run
from webapp.searches.launching import launch_search
from webapp.searches.models import Search

TRICKS = (
    "/etc",
    "/etc/passwd",
    "../../etc",
    "./engine",
    "~/models",
    "owner/../../etc",
    "owner/model/../..",
    "a/b/c",
    "owner//model",
    "owner/..",
    "..",
    ".",
    "-owner/model",
    "owner/mo\x00del",
    "owner/model\n",
    "C:\\models\\x",
    "\\\\server\\share",
    "file:///etc",
    "https://example.org/model",
    "\uff2f\uff37/model",
    "nano ",
    "x" * 5000,
)


def refused(name: str, *, at_worker: bool = False) -> bool:
    problems = []
    try:
        check_backbones({"method": {"backbone": name}}, at_worker=at_worker)
    except SpecError as error:
        problems = error.problems
    return [path for path, problem in problems if len(problem) < 500] == ["method.backbone"]


@pytest.mark.parametrize("name", TRICKS)
def test_tricks_are_refused(name: str, settings: Settings, tmp_path: Path) -> None:
    assert refused(name)
    settings.BACKBONE_ROOT = str(tmp_path)
    assert refused(name)


@pytest.mark.parametrize("name", ["nano", "minilm", "gpt2", "owner/model", "Qwen/Qwen2.5-0.5B", "a_b/c-d.e"])
def test_own_names_and_ids_of_the_hub_may_be_named(name: str) -> None:
    assert not refused(name)
    assert not refused(name, at_worker=True)


def test_an_id_that_is_a_folder_of_the_program_is_refused_by_the_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "owner" / "model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert refused("owner/model", at_worker=True)


def test_folders_below_the_root_may_be_named_and_none_beside_it(settings: Settings, tmp_path: Path) -> None:
    root, outside = tmp_path / "models", tmp_path / "secret"
    (root / "small").mkdir(parents=True)
    outside.mkdir()
    (tmp_path / "models-too").mkdir()
    (root / "link").symlink_to(outside)
    (root / "alias").symlink_to(root / "small")
    settings.BACKBONE_ROOT = str(root)
    assert not refused(f"{root}/small", at_worker=True)
    assert not refused(f"{root}/alias", at_worker=True)
    assert not refused(f"{root}/elsewhere"), "the web server may lack it"
    assert refused(f"{root}/elsewhere", at_worker=True)
    for name in (f"{root}/link", f"{root}/../secret", f"{root}/small/../../secret", str(root), f"{root}/", f"{root}-too"):
        assert refused(name), name


def test_pages_and_rest_say_it_at_the_field(people: People, alice: Client, version: Version) -> None:
    values = {"version": version.pk, **form_of("darec-nano"), "method.backbone": "/etc"}
    for address in ("/runs/new", "/runs/new/sequence"):
        page = alice.post(address, values)
        assert page.status_code == 422
    page = alice.post("/runs/new", values)
    assert "or a folder that the server allows" in page.content.decode()
    _, secret = issue_token(people.alice, "script", 1, Scope.LAUNCH)
    header = {"Authorization": f"Bearer {secret}"}
    body = {"version": version.pk, "preset": "darec-nano", "settings": {"method.backbone": "/etc"}}
    answer = Client().post("/api/v1/runs", body, content_type="application/json", headers=header)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "method.backbone")
    check = Client().post("/api/v1/specs/validate", body, content_type="application/json", headers=header).json()
    assert (check["valid"], check["problems"][0]["field"]) == (False, "method.backbone")
    assert not Run.objects.exists()
    assert not Question.objects.exists()


def test_launches_by_any_way_ask(people: People, version: Version) -> None:
    spec = parse_spec(override(get_preset("darec-nano").spec().model_dump(mode="json"), {"method.backbone": "/etc"}))
    with pytest.raises(SpecError, match="or a folder that the server allows"):
        launch_run(version, people.alice, spec)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"run.method.backbone": "/etc"}, "run.method.backbone"),
        (
            {"space.further": [{"path": "method.backbone", "choices": ["nano", "/etc"], "start": "nano"}]},
            "space.further.0.choices",
        ),
    ],
)
def test_searches_too(people: People, version: Version, changes: dict[str, object], field: str) -> None:
    plan = search_presets().get("search-nano").plan(changes)
    with pytest.raises(SpecError) as caught:
        launch_search(people.project, version, people.alice, plan)
    assert caught.value.problems[0][0] == field
    assert not Search.objects.exists()
