"""A real site in this process, with planted rows, and clients of its people."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from darec_lab import Client
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.webapp.api.live import Live, live_asgi, token_of
from tests.webapp.people import People, make_people
from webapp.accounts.models import Scope
from webapp.accounts.tokens import issue_token

ClientOf = Callable[..., Client]


@pytest.fixture
def people(transactional_db: None) -> People:
    return make_people()


@pytest.fixture
def server() -> Iterator[Live]:
    with live_asgi() as live:
        yield live


@pytest.fixture
def address(server: Live) -> str:
    return f"http://127.0.0.1:{server.port}"


@pytest.fixture
def client_of(address: str) -> Iterator[ClientOf]:
    """Makes clients, and closes them before the site goes."""
    made: list[Client] = []

    def make(user: User, scope: Scope | None = None) -> Client:
        token = token_of(user) if scope is None else issue_token(user, "test", 1, scope)[1]
        made.append(Client(address, token))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def alice(people: People, client_of: ClientOf) -> Client:
    """Of the admin of the shop."""
    return client_of(people.alice)


@pytest.fixture(autouse=True)
def _own_storage(settings: Settings, tmp_path: Path) -> None:
    """Files go to the test's own folder; passwords are hashed quickly."""
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "storage")}}
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {"default": storage, "staticfiles": static}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
