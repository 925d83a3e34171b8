"""Fixtures of the web tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from tests.webapp.people import People, make_people, make_version
from webapp import broker
from webapp.datasets.models import Version


@pytest.fixture(autouse=True)
def _quick_settings(settings: Settings, tmp_path: Path) -> None:
    """Pages name static files without a manifest, so that tests need no collectstatic; uploads go to the test's own
    folder; passwords are hashed quickly."""
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "storage")}}
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {"default": storage, "staticfiles": static}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def dead_broker(settings: Settings) -> Iterator[None]:
    """A broker that does not answer. Nobody remembers it afterwards: other tests use the living one."""
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    broker.producer.cache_clear()
    yield
    broker.producer.cache_clear()


@pytest.fixture
def people(db: None) -> People:
    """Alice, Bob and Charlie."""
    return make_people()


@pytest.fixture
def version(people: People) -> Version:
    """A ready version in Alice's and Bob's project."""
    return make_version(people)


@pytest.fixture
def alice(people: People) -> Client:
    """Signed in as the project's admin."""
    return people.client("alice")


@pytest.fixture
def bob(people: People) -> Client:
    """Signed in as a viewer of the project."""
    return people.client("bob")


@pytest.fixture
def charlie(people: People) -> Client:
    """Signed in as somebody from elsewhere."""
    return people.client("charlie")


@pytest.fixture
def visitor(db: None) -> Client:
    """Not signed in."""
    return Client()
