"""The demo's account and data set, made by the same actions that a person's clicks cause."""

import hashlib
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from django.contrib.auth.models import User
from django.core.files import File

from deploy.local.errors import ServiceError, SetupError
from deploy.local.files import write_secret
from deploy.local.home import Home
from engine.data.generated import generate
from webapp.accounts.actions import ensure_account
from webapp.accounts.models import Project, Role
from webapp.datasets.actions import create_dataset, create_version
from webapp.datasets.models import Dataset, Version, VersionState

USERNAME = "demo"
PROJECT = "Demo"
GENERATED_NAME = "Generated catalogue"
FILTERS = {"core": 5}
INGEST_SECONDS = 600.0


def account(home: Home) -> tuple[User, str]:
    """The demo's user, an admin of the project "Demo", and the password, which is made once and kept."""
    path = home.folder / "demo_password"
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(12))
    password = path.read_text(encoding="utf-8")
    return ensure_account(USERNAME, password, PROJECT, Role.ADMIN), password


def load(user: User, folder: Path | None) -> Version:
    """Upload the files of ``folder`` (None: generate some) as a version; one with the same files is used again.

    Raises:
        SetupError: the folder lacks a file.
        engine.errors.DataError: a file is no table.
    """
    if folder is not None:
        return _load_files(user, folder, folder.resolve().name, generated=False)
    with tempfile.TemporaryDirectory(prefix="dareclab-demo-") as temporary:
        generate(Path(temporary))
        return _load_files(user, Path(temporary), GENERATED_NAME, generated=True)


def _load_files(user: User, folder: Path, name: str, *, generated: bool) -> Version:
    interactions = _find(folder, "interactions")
    if interactions is None:
        raise SetupError(
            f"{folder} has no interactions.csv or interactions.csv.gz.",
            "DATA must name a folder with interactions.csv[.gz] and, for titles, items.csv[.gz].",
        )
    items = _find(folder, "items")
    project = Project.objects.get(name=PROJECT)
    dataset = Dataset.objects.filter(project=project, name=name).first()
    if dataset is None:
        dataset = create_dataset(project, user, name, generated=generated)
    known = _same(dataset, [path for path in (interactions, items) if path])
    if known is not None:
        return known
    with interactions.open("rb") as first:
        if items is None:
            return create_version(dataset, user, File(first, interactions.name), None, FILTERS)
        with items.open("rb") as second:
            return create_version(dataset, user, File(first, interactions.name), File(second, items.name), FILTERS)


def _find(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.csv", folder / f"{name}.csv.gz") if path.is_file()), None)


def _same(dataset: Dataset, files: list[Path]) -> Version | None:
    """The newest ready version that was read from files of just this content."""
    wanted = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    for version in dataset.versions.filter(state=VersionState.READY).order_by("-number"):
        if set(version.manifest.get("sources", {}).values()) == wanted and version.filters.get("core") == FILTERS["core"]:
            return version
    return None


def wait_until_ready(version: Version, on_look: Callable[[], None]) -> Version:
    """Wait for the worker to read it; raises ServiceError with the error and hint that the worker left."""
    deadline = time.monotonic() + INGEST_SECONDS
    while True:
        on_look()
        version.refresh_from_db()
        if version.state == VersionState.READY:
            return version
        if version.state == VersionState.FAILED:
            raise ServiceError(f"The data could not be read: {version.error}", version.hint)
        if time.monotonic() > deadline:
            raise ServiceError(f"The data was not read within {INGEST_SECONDS:.0f} seconds.", "See the log of worker-io.")
        time.sleep(0.2)
