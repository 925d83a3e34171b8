"""Names that try to be paths: nothing outside the storage folder is read or written, and the answer says so, never 500."""

import unicodedata
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from tests.webapp.api.asking import headers
from tests.webapp.people import People, finish, make_run, make_version
from webapp.datasets.models import Derived, DerivedKind, DerivedState, Upload, UploadFile, Version
from webapp.datasets.uploads import plain_name
from webapp.experiments.models import Run
from webapp.storage import local_root

CANARY = b"nobody outside may read this"
TRICKS = (
    *("../secret.txt", "../../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt", "..\\secret.txt"),
    *("..%5csecret.txt", "/etc/passwd", "//etc/passwd", "C:\\Windows\\win.ini", "\\\\host\\share", "model/../../../secret.txt"),
    *("model/COMPLETE/../../secret.txt", "./result.json/..", "result.json\x00.txt", "result.json%00", "\x00", "CON", "NUL.txt"),
    *("x" * 5000, "é/" * 50, unicodedata.normalize("NFD", "résult.json"), unicodedata.normalize("NFC", "résult.json")),
    *(
        "result.json/",
        "result.json ",
        "RESULT.JSON",
        "\u2024\u2024/secret.txt",
        "..;/secret.txt",
        "file:///etc/passwd",
        "~root",
        "$HOME",
        "*",
    ),
)
ids = pytest.mark.parametrize("trick", TRICKS, ids=lambda text: ascii(text)[:24])


@pytest.fixture
def root() -> Path:
    """The storage folder, a secret file beside it."""
    found = local_root()
    assert found is not None
    folder = Path(found)
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / "secret.txt").write_bytes(CANARY)
    (folder / "secret.txt").write_bytes(CANARY)
    return folder


@pytest.fixture
def run(version: Version, root: Path) -> Run:
    made = finish(make_run(version, folder_key="runs/one"))
    default_storage.save(f"{made.folder_key}/result.json", ContentFile(b"{}"))
    default_storage.save(f"{made.folder_key}/model/COMPLETE", ContentFile(b"{}"))
    return made


@pytest.fixture
def clients(people: People) -> tuple[Client, Client]:
    """A person's browser and a script."""
    browser = Client(raise_request_exception=False)
    browser.force_login(people.alice)
    return browser, Client(headers=headers(people.alice), raise_request_exception=False)


def outside(root: Path) -> list[str]:
    return sorted(path.name for path in root.parent.iterdir())


def body_of(response: Any) -> bytes:
    return b"".join(response) if response.streaming else bytes(response.content)


@ids
def test_addresses(clients: tuple[Client, Client], run: Run, root: Path, trick: str) -> None:
    browser, script = clients
    before = outside(root)
    of_version = f"/datasets/{run.version.dataset_id}/versions/{run.version.number}"
    for name in (trick, quote(trick, safe=""), quote(quote(trick, safe=""), safe="")):
        for client, address in (
            (browser, f"/runs/{run.pk}/files/{name}"),
            (browser, f"{of_version}/download/{name}"),
            (browser, f"{of_version}/download/{name}/file"),
            (browser, f"/compare/export/{name}?runs={run.pk}"),
            (browser, f"/static/{name}"),
            (script, f"/api/v1/runs/{run.pk}/files/{name}"),
            (script, f"/api/v1/versions/{run.version_id}/download/{name}"),
            (script, f"/api/v1/runs/{run.pk}/ranks/{name}"),
            (script, f"/api/v1/uploads/{name}"),
        ):
            response = client.get(address.replace("\x00", "%00"))
            assert response.status_code in (301, 302, 400, 404, 405, 406, 409, 422), (address, response.status_code)
            assert CANARY not in body_of(response), address
    assert outside(root) == before


@ids
def test_names_of_datasets_files_and_roles(clients: tuple[Client, Client], people: People, root: Path, trick: str) -> None:
    browser, script = clients
    before = outside(root)
    body = {"name": trick[:100], "files": [{"role": "interactions", "name": trick, "size": 4}]}
    for client, address in ((browser, "/datasets/uploads"), (script, "/api/v1/uploads")):
        Upload.objects.all().delete()
        response = client.post(address, body, content_type="application/json")
        assert response.status_code in (201, 422), response.content
        if response.status_code == 201:
            file = UploadFile.objects.get()
            assert file.name == plain_name(trick)
            part = f"{address}/{file.upload.key}/interactions/{'parts/' if client is script else ''}0"
            assert client.put(part, b"1,2\n", content_type="application/octet-stream").status_code == 200
            for role in (quote(trick, safe=""), quote(trick)):
                wrong = f"{address}/{file.upload.key}/{role}/{'parts/' if client is script else ''}0"
                response = client.put(wrong, b"1,2\n", content_type="application/octet-stream")
                assert response.status_code in (404, 405, 422), wrong
        wrong_role = {"name": "a", "files": [{"role": trick, "name": "a.csv", "size": 4}]}
        assert client.post(address, wrong_role, content_type="application/json").status_code == 422
    assert outside(root) == before
    assert (root.parent / "secret.txt").read_bytes() == CANARY


@ids
def test_file_names_are_plain(trick: str) -> None:
    name = plain_name(trick)
    assert name
    assert not set(name) & set('/\\\x00:*?<>|"')
    assert not name.startswith((".", " "))
    assert len(name.encode()) <= 200


@ids
def test_keys_of_the_storage_stay_below_it(root: Path, trick: str) -> None:
    """Whatever stands in a row: the storage itself leads nowhere else."""
    for key in (trick, f"runs/{trick}", f"/{trick}"):
        try:
            with default_storage.open(key) as file:
                content = file.read()
        except (SuspiciousFileOperation, OSError, ValueError):
            continue
        assert (root / key).resolve().is_relative_to(root.resolve()), key
        assert content in (b"{}", CANARY)


@ids
def test_tags_and_notes(clients: tuple[Client, Client], run: Run, root: Path, trick: str) -> None:
    browser, script = clients
    before = outside(root)
    told = script.patch(f"/api/v1/runs/{run.pk}", {"tags": [trick], "notes": trick}, content_type="application/json")
    assert told.status_code in (200, 422)
    for address in (f"/runs/{run.pk}", f"/runs/{run.pk}/files", "/runs"):
        assert browser.get(address).status_code == 200
    assert outside(root) == before


def test_an_archive_is_called_as_its_dataset_is_but_is_no_path(people: People, root: Path) -> None:
    for trick in TRICKS:
        name = plain_name(f"{trick[:80]}-v1.csv.zip".translate(str.maketrans("/\\", "--")))
        assert name.endswith("-v1.csv.zip"), name
        assert Path(name).name == name


def test_a_row_that_names_a_folder_elsewhere_gives_nothing(clients: tuple[Client, Client], version: Version, root: Path) -> None:
    (root.parent / "elsewhere").mkdir()
    with zipfile.ZipFile(root.parent / "elsewhere/data.zip", "w") as archive:
        archive.writestr("a", CANARY)
    made = {
        "version": version,
        "kind": DerivedKind.CSV,
        "state": DerivedState.READY,
        "file_name": "../x.zip",
        "asked_at": timezone.now(),
    }
    Derived.objects.create(**made, storage_key="../elsewhere")
    browser, script = clients
    answers = (
        browser.get(f"/datasets/{version.dataset_id}/versions/{version.number}/download/csv/file"),
        script.get(f"/api/v1/versions/{version.pk}/download/csv"),
    )
    for response in answers:
        assert response.status_code in (400, 404)
        assert b"PK" not in body_of(response)


def test_people_of_another_project_get_no_name_right(people: People, run: Run) -> None:
    stranger = people.client("charlie")
    for name in ("result.json", *TRICKS[:8]):
        assert stranger.get(f"/runs/{run.pk}/files/{quote(name)}").status_code == 404
    assert make_version(people).pk
