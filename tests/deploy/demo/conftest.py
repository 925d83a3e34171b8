"""Rows for the tests of the demo."""

from pathlib import Path

import pytest
from pytest_django import Settings

from deploy.local.home import Home
from tests.webapp.people import People, make_people, make_version
from webapp.datasets.models import Version


@pytest.fixture(autouse=True)
def _quick_settings(settings: Settings, tmp_path: Path) -> None:
    """Static files without a manifest, uploads in the test's own folder, quick password hashes."""
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "storage")}}
    settings.STORAGES = {"default": storage, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty state folder."""
    home = Home(tmp_path / "state")
    home.make()
    return home


@pytest.fixture
def people(db: None) -> People:
    """Alice and the others."""
    return make_people()


@pytest.fixture
def version(people: People) -> Version:
    """A version that is ready."""
    return make_version(people)
