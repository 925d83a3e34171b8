"""The demo's account and data set are made once, and found again."""

import gzip
import hashlib
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from deploy.local.demo import data
from deploy.local.errors import ServiceError, SetupError
from deploy.local.home import Home
from webapp.accounts.models import Role
from webapp.datasets.models import Version, VersionState

pytestmark = pytest.mark.django_db
INTERACTIONS = b"user_id,item_id,timestamp,rating\nu,i,1,5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "interactions.csv.gz").write_bytes(gzip.compress(INTERACTIONS))
    (folder / "items.csv").write_text("item_id,title\ni,One\n")
    return folder


def test_the_account_is_made_once_and_is_an_admin(home: Home) -> None:
    user, password = data.account(home)
    assert data.account(home) == (user, password)
    assert user.check_password(password)
    assert user.is_staff
    assert user.memberships.get().role == Role.ADMIN
    assert user.memberships.get().project.name == "Demo"
    assert (home.folder / "demo_password").stat().st_mode & 0o077 == 0


def test_files_are_uploaded_as_a_version(home: Home, folder: Path) -> None:
    user, _ = data.account(home)
    version = data.load(user, folder)
    assert version.state == VersionState.QUEUED
    assert version.dataset.name == "shop"
    assert not version.dataset.generated
    assert version.filters["core"] == 5
    with default_storage.open(f"{version.upload_key}/interactions.csv.gz") as stored:
        assert gzip.decompress(stored.read()) == INTERACTIONS
    assert default_storage.exists(f"{version.upload_key}/items.csv")


def test_a_ready_version_of_the_same_files_is_used_again(home: Home, folder: Path) -> None:
    user, _ = data.account(home)
    first = data.load(user, folder)
    sources = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    Version.objects.filter(pk=first.pk).update(state=VersionState.READY, manifest={"sources": sources})
    assert data.load(user, folder) == first
    (folder / "items.csv").write_text("item_id,title\ni,Another\n")
    second = data.load(user, folder)
    assert second != first
    assert (second.dataset, second.number) == (first.dataset, 2)


def test_generated_data_says_so(home: Home) -> None:
    user, _ = data.account(home)
    assert data.load(user, None).dataset.generated


def test_a_folder_without_interactions_is_refused(home: Home, tmp_path: Path) -> None:
    user, _ = data.account(home)
    with pytest.raises(SetupError, match=r"no interactions.csv"):
        data.load(user, tmp_path)
    assert not Version.objects.exists()


def test_waiting_ends_with_the_workers_words(version: Version) -> None:
    looks: list[bool] = []
    assert data.wait_until_ready(version, lambda: looks.append(True)) == version
    assert looks == [True]
    Version.objects.filter(pk=version.pk).update(state=VersionState.FAILED, error="line 3 is odd", hint="mend it")
    with pytest.raises(ServiceError, match=r"line 3 is odd mend it"):
        data.wait_until_ready(version, lambda: None)
