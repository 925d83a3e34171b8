"""Every file of the shared malformed set by REST: taken or refused in words, never 500, nothing half-written left behind."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import Client
from pytest_django import Settings

from engine.errors import UserError
from tests.engine.data.test_malformed import EXPECTED, MALFORMED, Refused
from webapp.accounts.models import Project, Scope
from webapp.accounts.tokens import issue_token
from webapp.datasets.models import Version
from workers.claims import claim_version
from workers.ingestion import read_upload


@pytest.mark.parametrize("name", EXPECTED)
def test_by_rest(name: str, db: None, shared_data: Path, settings: Settings, tmp_path: Path) -> None:
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "storage")}}
    settings.STORAGES = {**settings.STORAGES, "default": storage}
    (tmp_path / "scratch").mkdir()
    user = User.objects.create_user("alice")
    Project.objects.create(name="Shop", slug="shop").memberships.create(user=user, role="admin")
    client = Client(headers={"Authorization": f"Bearer {issue_token(user, 'script', 1, Scope.LAUNCH)[1]}"})
    parts = {"interactions": name, "items": None}
    if "items" in name and "interactions" not in name:
        parts = {"interactions": "00_good_interactions.csv", "items": name}
    sent = {role: (MALFORMED / file).read_bytes() for role, file in parts.items() if file}
    files = [{"role": role, "name": f"../../{parts[role]}", "size": len(data)} for role, data in sent.items()]
    begun = client.post("/api/v1/uploads", {"name": "Soap", "files": files}, content_type="application/json")
    told = begun.content.decode()
    assert begun.status_code in (201, 422), told
    if begun.status_code == 201:
        assert all("/" not in file["name"] for file in begun.json()["files"])
        address = f"/api/v1/uploads/{begun.json()['key']}"
        for role, data in sent.items():
            part = client.put(f"{address}/{role}/parts/0", data, content_type="application/octet-stream")
            assert part.status_code == 200, part.content
        started = client.post(f"{address}/version", {"filters": {"core": 0}}, content_type="application/json")
        told = started.content.decode()
        assert started.status_code in (201, 422), told
        if started.status_code == 201:
            version = Version.objects.get(pk=started.json()["id"])
            attempt = claim_version(version.pk)
            assert attempt is not None
            try:
                assert read_upload(attempt, version, tmp_path / "scratch", "versions/one")()
                told = ""
            except UserError as error:
                told = error.message
    # Too short to be split is no fault of the file: the version is made, and says so when it is split.
    expected = EXPECTED[name]
    refused = isinstance(expected, Refused) and "split needs" not in expected.message
    assert bool(told) == refused, told
    if told:
        assert not default_storage.exists("versions/one")
