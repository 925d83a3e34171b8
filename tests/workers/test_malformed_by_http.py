"""Every file of the shared malformed set through the two doors of the site: by REST, and as a browser sends it.

Taken or refused in words, in the manifest's where it gives them; never 500, nothing half-written left behind.
"""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import Client
from pytest_django import Settings

from engine.errors import UserError
from tests.engine.data.test_malformed import EXPECTED, Refused
from tests.workers.test_uploads import SAID_EARLIER, files_of
from webapp.accounts.models import Project, Scope
from webapp.accounts.tokens import issue_token
from webapp.datasets.models import Version, VersionState
from workers.claims import claim_version
from workers.ingestion import read_upload

Files = dict[str, tuple[str, bytes]]
Door = Callable[[User, Files], str]
"""Sends files and starts the version; what was said where that is refused, else nothing."""
WORDS = {
    # One looks at the file as a whole, the other at its first rows.
    "07_unclosed_quote_items.csv": ("is never closed", SAID_EARLIER["07_unclosed_quote_items.csv"]),
    "08_missing_item_column.csv": ("required column `item_id` is missing", SAID_EARLIER["08_missing_item_column.csv"]),
    "29_deep_nesting.jsonl": ("nested too deeply", SAID_EARLIER["29_deep_nesting.jsonl"]),
    "15_empty.csv": ("is empty",),
}
"""Where the doors may say it in words of their own."""


def by_rest(user: User, files: Files) -> str:
    client = Client(headers={"Authorization": f"Bearer {issue_token(user, 'script', 1, Scope.LAUNCH)[1]}"})
    announced = [{"role": role, "name": f"../../{name}", "size": len(data)} for role, (name, data) in files.items()]
    begun = client.post("/api/v1/uploads", {"name": "Soap", "files": announced}, content_type="application/json")
    if begun.status_code != 201:
        return refusal(begun)
    assert all("/" not in file["name"] for file in begun.json()["files"])
    address = f"/api/v1/uploads/{begun.json()['key']}"
    for role, (_, data) in files.items():
        part = client.put(f"{address}/{role}/parts/0", data, content_type="application/octet-stream")
        assert part.status_code == 200, part.content
    started = client.post(f"{address}/version", {"filters": {"core": 0}}, content_type="application/json")
    return "" if started.status_code == 201 else refusal(started)


def by_browser(user: User, files: Files) -> str:
    """What upload.js sends, and then the forms as they were shown."""
    client = Client()
    client.force_login(user)
    announced = [{"role": role, "name": f"..\\..\\{name}", "size": len(data)} for role, (name, data) in files.items()]
    begun = client.post("/datasets/uploads", {"name": "Soap", "dataset": None, "files": announced}, "application/json")
    if begun.status_code != 201:
        return refusal(begun)
    state = begun.json()
    for role, (_, data) in files.items():
        part = client.put(f"/datasets/uploads/{state['key']}/{role}/0", data, content_type="application/octet-stream")
        assert part.status_code == 200, part.content
    shown = client.get(state["next"])
    assert shown.status_code == 200
    if shown.context.get("error"):
        return in_page(shown, shown.context["error"].message)
    fields: dict[str, Any] = {"go": "1"}
    for part in shown.context["parts"]:
        fields |= {f"{part['role']}-{place}": column["role"] for place, column in enumerate(part["columns"])}
        fields |= {f"{part['role']}-columns": part["fingerprint"], f"{part['role']}-separator": part["separator"]}
        fields |= {f"{part['role']}-header": "yes"} if part["header"] else {}
    mapped = client.post(state["next"], fields)
    if mapped.status_code == 422:
        return in_page(mapped, mapped.context["error"].message)
    assert mapped.status_code == 302, mapped.content
    started = client.post(mapped["Location"], {"core": "0"})
    if started.status_code == 422:
        return in_page(started, started.context["error"].message)
    assert started.status_code == 302, started.content
    return ""


def refusal(response: Any) -> str:
    assert response.status_code == 422, response.content
    error = response.json()["error"]
    assert error["hint"]
    return str(error["message"])


def in_page(response: Any, message: str) -> str:
    """The message, which a person reads in the page as it is."""
    assert text_of(response).count(" ".join(message.split())) >= 1, message
    return message


def text_of(response: Any) -> str:
    """What a person reads: the page without its tags and entities."""
    return " ".join(unescape(re.sub(r"<[^>]*>", "", response.content.decode())).split())


@pytest.fixture
def user(db: None, settings: Settings, tmp_path: Path) -> User:
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "storage")}}
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {"default": storage, "staticfiles": static}
    (tmp_path / "scratch").mkdir()
    user = User.objects.create_user("alice")
    Project.objects.create(name="Shop", slug="shop").memberships.create(user=user, role="admin")
    return user


@pytest.mark.parametrize("door", [by_rest, by_browser])
@pytest.mark.parametrize("name", EXPECTED)
def test_every_malformed_file(name: str, door: Door, user: User, tmp_path: Path) -> None:
    told = door(user, files_of(name))
    read = not told
    if read:
        version = Version.objects.get()
        attempt = claim_version(version.pk)
        assert attempt is not None
        try:
            assert read_upload(attempt, version, tmp_path / "scratch", "versions/one")()
        except UserError as error:
            told = error.message
            # What a worker writes down for whom looks at the version's page.
            Version.objects.filter(pk=version.pk).update(state=VersionState.FAILED, error=told, hint=error.hint)
        pages(user, version, told)
    # Too short to be split is no fault of the file: the version is made, and says so when it is split.
    expected = EXPECTED[name]
    refused = isinstance(expected, Refused) and "split needs" not in expected.message
    assert bool(told) == refused, told
    if isinstance(expected, Refused):
        wanted = WORDS.get(name, (expected.message,))
        assert not told or any(words in told for words in wanted), told
        assert str(tmp_path) not in told
    else:
        assert expected.notice in " ".join(Version.objects.get().notices)
    if told:
        assert not default_storage.exists("versions/one")
    outside = [path.name for path in tmp_path.iterdir() if path.name not in ("storage", "scratch")]
    assert outside == []


def pages(user: User, version: Version, told: str) -> None:
    """The version's page and its report can be shown, and say what is wrong with it, and what was noticed."""
    client = Client()
    client.force_login(user)
    version.refresh_from_db()
    address = f"/datasets/{version.dataset_id}/versions/{version.number}"
    shown = client.get(address)
    assert shown.status_code == 200
    body = shown.content.decode()
    assert "alert(1)</script>" not in body
    assert "onerror=&quot;" in body or "onerror=" not in body
    if told:
        in_page(shown, told)
        return
    for notice in version.notices:
        in_page(shown, notice)
    report = client.get(f"{address}/report")
    assert report.status_code == 200
