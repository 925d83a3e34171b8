"""A lab that was backed up comes back elsewhere, row by row and byte by byte; nothing is restored where that would do harm."""

import gzip
import tarfile
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.support.object_store import names
from tests.webapp.operations.places import Place, files
from tests.webapp.people import make_people
from tests.webapp.whole import Whole, plant_all
from webapp.operations.archive import ENDINGS, check_archive
from webapp.operations.objects import list_objects
from webapp.operations.restore import restore
from webapp.operations.state import applied_migrations

pytestmark = pytest.mark.services
OBJECTS = {
    "runs/planted/result.json": b"{}",
    "runs/planted/model/model.safetensors": bytes(range(256)) * 70_000,
    "versions/1/a name with spaces ünd ümlauts.parquet": b"PAR1",
    f"exports/{'long' * 40}/file.zip": b"",
}
PAGE = """
import django; django.setup()
from django.contrib.auth.models import User
from django.test import Client
from webapp.accounts.models import Project
client = Client()
client.force_login(User.objects.get(username="alice"))
for address in {addresses!r}:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
User.objects.create_user("new", password="a-new-person-1")
Project.objects.create(name="New", slug="new-one")
print("opened")
"""


@pytest.fixture
def lab(here: Place) -> Whole:
    """Everything that a lab can hold, with objects in its storage, and some that are on their way."""
    whole = plant_all(make_people())
    for name, content in OBJECTS.items():
        default_storage.save(name, ContentFile(content))
    default_storage.save("scratch/attempt-1/half", ContentFile(b"half"))
    default_storage.save("versions/1/.writing", ContentFile(b"half"))
    return whole


def backup(path: Path) -> Path:
    call_command("backup", str(path), verbosity=0)
    return path


def test_a_lab_comes_back_elsewhere(lab: Whole, here: Place, elsewhere: Place, tmp_path: Path) -> None:
    archive = backup(tmp_path / "lab.tar.zst")
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name or path.name.startswith(".")] == []
    assert archive.stat().st_mode & 0o777 == 0o600
    done = elsewhere.manage("restore", str(archive))
    assert done.returncode == 0, done.stderr
    assert elsewhere.rows() == here.rows()
    assert len(here.rows()) > 30
    stored = files(here.storage)
    assert stored.pop("scratch/attempt-1/half") == stored.pop("versions/1/.writing") == b"half"
    assert files(elsewhere.storage) == stored
    assert len(stored) > len(OBJECTS)
    pages = [f"/runs/{lab.run.pk}", f"/runs/{lab.run.pk}/files", "/runs", "/datasets", "/workers", "/audit"]
    opened = elsewhere.python("-c", PAGE.format(addresses=pages), DEBUG="1", ALLOWED_HOSTS="testserver")
    assert opened.stdout.strip() == "opened", opened.stderr
    # What the database itself guards came back too.
    with elsewhere.connect() as server, pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        server.execute("delete from audit_auditentry")


def test_a_target_that_holds_something_is_left_alone(lab: Whole, here: Place, elsewhere: Place, tmp_path: Path) -> None:
    archive = backup(tmp_path / "lab.tar")
    assert elsewhere.manage("restore", str(archive)).returncode == 0
    (elsewhere.storage / "runs" / "later").mkdir(parents=True)
    (elsewhere.storage / "runs" / "later" / "result.json").write_text("later")
    with elsewhere.connect() as server:
        server.execute("update auth_user set first_name = 'changed'")
    done = elsewhere.manage("restore", str(archive))
    assert done.returncode != 0
    assert "The target is not empty" in done.stderr
    done = elsewhere.manage("restore", str(archive), "--replace")
    assert "processes work with this database" in done.stderr
    assert (elsewhere.storage / "runs" / "later" / "result.json").read_text() == "later"
    with elsewhere.connect() as server:
        server.execute("update fleet_workernode set heartbeat_at = now() - interval '1 hour'")
    done = elsewhere.manage("restore", str(archive), "--replace")
    assert done.returncode == 0, done.stderr
    assert elsewhere.rows() == here.rows()
    assert not (elsewhere.storage / "runs" / "later").exists()


def test_a_storage_alone_makes_a_target_not_empty(lab: Whole, elsewhere: Place, tmp_path: Path) -> None:
    archive = backup(tmp_path / "lab.tar.gz")
    elsewhere.storage.mkdir()
    (elsewhere.storage / "precious").write_text("mine")
    done = elsewhere.manage("restore", str(archive))
    assert "The target is not empty" in done.stderr
    assert files(elsewhere.storage) == {"precious": b"mine"}
    assert elsewhere.rows() == {}


def test_an_older_back_up_is_migrated_and_a_newer_one_refused(here: Place, elsewhere: Place, tmp_path: Path) -> None:
    make_people()
    assert elsewhere.manage("migrate", "--verbosity", "0").returncode == 0
    assert elsewhere.manage("migrate", "serving", "zero", "--verbosity", "0").returncode == 0
    old = tmp_path / "old.tar"
    done = elsewhere.manage("backup", str(old))
    assert done.returncode == 0, done.stderr
    assert not any(name.startswith("serving.") for name in check_archive(old).migrations)
    done = elsewhere.manage("restore", str(old))
    assert done.returncode == 0, done.stderr
    assert set(elsewhere.rows()) == set(here.rows())
    with elsewhere.connect() as server:
        server.execute("insert into django_migrations (app, name, applied) values ('datasets', '9999_future', now())")
    newer = tmp_path / "newer.tar"
    assert elsewhere.manage("backup", str(newer)).returncode == 0
    before = elsewhere.rows()
    done = elsewhere.manage("restore", str(newer), "--replace")
    assert "newer than this software: it has the migration datasets.9999_future" in done.stderr
    assert elsewhere.rows() == before


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_damaged_changes_nothing(ending: str, lab: Whole, here: Place, tmp_path: Path) -> None:
    before, stored = here.rows(), files(here.storage)
    archive = backup(tmp_path / f"lab{ending}")
    good = archive.read_bytes()
    changed = bytearray(good)
    changed[len(good) // 2] ^= 0x55
    for damaged in (bytes(changed), good[: len(good) // 2], good[:-12_000], b"", b"nonsense" * 200):
        archive.write_bytes(damaged)
        with pytest.raises(CommandError, match="is damaged, or no back-up of ours"):
            call_command("restore", str(archive), replace=True)
    assert here.rows() == before
    assert files(here.storage) == stored
    assert applied_migrations()


@pytest.mark.parametrize("name", ["objects/../../out", "objects//etc/passwd", "/objects/x", "else", "objects/a/./b"])
def test_names_that_lead_elsewhere_are_refused(name: str, transactional_db: None, tmp_path: Path) -> None:
    archive = tmp_path / "evil.tar"
    (tmp_path / "content").write_text("evil")
    with tarfile.open(archive, "w") as tar:
        entry = tar.gettarinfo(tmp_path / "content")
        entry.name = name
        with (tmp_path / "content").open("rb") as content:
            tar.addfile(entry, content)
    with pytest.raises(CommandError, match="does not belong there"):
        call_command("restore", str(archive), replace=True)


def test_links_are_refused(transactional_db: None, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        entry = tarfile.TarInfo("objects/link")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    with pytest.raises(CommandError, match="no ordinary file"):
        call_command("restore", str(tmp_path / "evil.tar"), replace=True)


def test_it_goes_from_a_disk_to_an_object_store_and_back(
    lab: Whole, here: Place, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    stored = {name: content for name, content in files(here.storage).items() if name in set(list_objects())}
    first = backup(tmp_path / "first.tar.gz")
    with here.connect() as server:
        server.execute("update fleet_workernode set heartbeat_at = %s", [timezone.now().replace(year=2020)])
    bucket: Any = request.getfixturevalue("bucket")
    bucket.put_object(Key="team/runs/later/result.json", Body=b"later")
    restore(first, replace=True)
    assert names(bucket) == {f"team/{name}" for name in stored}
    second = backup(tmp_path / "second.tar.gz")
    objects = {name: member for name, member in check_archive(second).members.items() if name.startswith("objects/")}
    assert objects == {name: member for name, member in check_archive(first).members.items() if name.startswith("objects/")}
    assert gzip.decompress(second.read_bytes())
