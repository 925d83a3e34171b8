"""schemathesis against the whole document: without a token, and with one of each role, beside a project that is none of theirs.

In the suite each role gets a small, fixed number of questions. ``FUZZ_EXAMPLES=100`` asks so many per operation, with a new seed.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Value
from django.db.models.functions import Concat
from django.test import Client
from pytest_django import Settings

from tests.tools.environments import tool
from tests.webapp.api.live import Live, live_asgi
from tests.webapp.people import People, make_people
from tests.webapp.whole import Whole, plant_all
from webapp.accounts.actions import ensure_account
from webapp.accounts.models import Membership, Project, Role, Scope
from webapp.accounts.tokens import issue_token
from webapp.api import sse
from webapp.curation.models import DraftEdit
from webapp.fleet.models import WorkerNode
from webapp.serving.models import Ask

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3600)]
MARKER = "Nobody-elses-business"
LEFT_OUT = {
    # A schema says the type and range of a value, not what fits together: an id that nobody has is right by the schema.
    "positive_data_acceptance",
}
"""Checks of schemathesis that are not asked here."""
DEEP = int(os.environ.get("FUZZ_EXAMPLES", "0"))
SECONDS = 3000 if DEEP else 240


@pytest.fixture
def projects(transactional_db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> tuple[Whole, Whole]:
    """Everything there is, twice: in the project of those who ask, and in another one, where the marker is in all names."""
    settings.API_RATE_PER_MINUTE = 10**6
    settings.SERVE_WAIT_SECONDS = 0.0
    # The stream of a run that nobody works on would go on for its quarter of an hour.
    monkeypatch.setattr(sse, "LONGEST", 0.2)
    people = make_people()
    stranger = ensure_account(f"{MARKER}-owner", "stranger-secret-1", f"{MARKER} project", "admin")
    others = People(stranger, stranger, stranger, Project.objects.get(memberships__user=stranger))
    theirs = plant_all(others, MARKER)
    # Machines belong to the site, so their names are there once.
    WorkerNode.objects.update(name=Concat(Value("other-"), "name"), celery_name=Concat(Value("other-"), "celery_name"))
    return plant_all(people, "Ours"), theirs


@pytest.fixture
def server() -> Iterator[Live]:
    with live_asgi() as live:
        yield live


@pytest.mark.parametrize("role", [None, *Role], ids=str)
def test_schemathesis_finds_nothing(projects: tuple[Whole, Whole], server: Live, role: Role | None, tmp_path: Path) -> None:
    ours, theirs = projects
    token = ""
    if role is not None:
        Membership.objects.filter(user=ours.people.bob).update(role=role)
        token = issue_token(ours.people.bob, "fuzz", 1, Scope.ADMIN)[1]
    known = {"marker": MARKER, "foreign": _ids(theirs), "token": bool(token)}
    (tmp_path / "known.json").write_text(json.dumps(known))
    (tmp_path / "schemathesis.toml").write_text(_configuration(_ids(ours), _ids(theirs), token))
    document = Client().get("/api/v1/openapi.json").content
    (tmp_path / "openapi.json").write_bytes(document)
    command = [
        *(tool("schemathesis"), "run", "openapi.json", f"--url=http://127.0.0.1:{server.port}", "--no-color"),
        *(f"--phases={_phases(role)}",),
        *(f"--max-examples={DEEP or 3}", "--workers=1", "--continue-on-failure", "--request-timeout=30"),
        *("--checks=all", f"--exclude-checks={','.join(sorted(LEFT_OUT))}", "--warnings=off", "--no-shrink"),
        *("--suppress-health-check=all", "--generation-database=none" if DEEP else "--generation-deterministic"),
    ]
    home = str(Path(__file__).parent)
    environment = {**os.environ, "PYTHONPATH": home, "FUZZ_KNOWN": str(tmp_path / "known.json")}
    report = Path(os.environ.get("FUZZ_REPORT", tmp_path), f"{role}.txt")
    with report.open("w") as file:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, stdout=file, stderr=subprocess.STDOUT, timeout=SECONDS, check=False
        )
    assert done.returncode == 0, report.read_text()[-20_000:]


def _phases(role: Role | None) -> str:
    """What schemathesis does: all of it in depth, as an admin also one operation after another, else what is quickest."""
    if DEEP:
        return "examples,coverage,fuzzing,stateful"
    return "examples,fuzzing,stateful" if role == Role.ADMIN else "examples,fuzzing"


def _ids(whole: Whole) -> dict[str, list[Any]]:
    """What stands in the places of ids, by the name of the parameter or of the field of a body."""
    version, run = whole.version, whole.run
    return {
        "run_id": [
            run.pk,
            *(one.pk for one in whole.others),
            *version.runs.filter(state="queued").values_list("pk", flat=True)[:2],
        ],
        "search_id": [whole.search.pk],
        "version_id": [version.pk, version.parent_id],
        "other_id": [version.parent_id],
        "edit_id": list(DraftEdit.objects.filter(draft__version=version).values_list("pk", flat=True)),
        "preview_id": list(version.questions.values_list("pk", flat=True)),
        "ask_id": list(Ask.objects.filter(run__version=version).values_list("pk", flat=True)),
        "version": [version.pk],
        "dataset_id": [version.dataset_id],
        "dataset": [version.dataset_id],
        "project_id": [whole.people.project.pk],
        "project": [whole.people.project.pk],
        "key": [str(whole.upload.key)],
        "runs": [f"{run.pk},{whole.others[0].pk}"],
    }


_WORDS = {"role": ["interactions"], "number": [0], "name": ["result.json"], "format": ["csv", "parquet"], "preset": ["sasrec"]}


def _configuration(ours: dict[str, list[Any]], theirs: dict[str, list[Any]], token: str) -> str:
    """Ids of both projects are what schemathesis mostly asks for, where it could only guess."""
    lines = ['hooks = "fuzz_checks"', "max-stream-events = 3"]
    # A list that is too long makes a body that is too large, which is told first.
    refusals = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]
    lines += ["[checks]", f"negative_data_rejection = {{ expected-statuses = {refusals} }}"]
    if token:
        lines += ["[auth.openapi]", f'TokenAuth = {{ bearer = "{token}" }}']
    bindings = []
    for name in [*ours, *_WORDS]:
        values = [*ours.get(name, ()), *ours.get(name, ()), *theirs.get(name, ()), *_WORDS.get(name, ())]
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values)}"]
        bindings += [
            f'"{place}.{name}" = {{ dictionary = "{name}", probability = 0.8 }}'
            for place in (("path",) if name.endswith("_id") else ("path", "query", "body"))
        ]
    return "\n".join([*lines, "[parameters]", *bindings, ""])
