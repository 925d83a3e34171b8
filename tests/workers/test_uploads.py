"""From the files that people upload to versions, through the actions of the pages and a worker's reading."""

import csv
import gzip
import io
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from pytest_django import Settings

from engine.data.split import leave_one_out
from engine.data.version import Version as Prepared
from engine.data.version import read_version
from engine.errors import DataError
from tests.engine.data.test_malformed import EXPECTED, ITEMS, MALFORMED, TOO_SHORT_TO_SPLIT, Refused, manifest
from tests.workers.fixtures import FAST, Dataset, Version, VersionState, storage_root
from tests.workers.waiting import wait_until
from webapp.accounts.models import Project
from webapp.datasets.columns import describe, require_mapping
from webapp.datasets.models import Upload
from webapp.datasets.report import rejected_key
from webapp.datasets.starting import discard_version, start_version
from webapp.datasets.uploads import Announced, begin_upload, store_whole
from workers.attempts import VersionAttempt
from workers.claims import claim_version
from workers.ingestion import read_upload
from workers.supervisor import supervise_version

Files = dict[str, tuple[str, bytes]]


def send(user: User, files: Files) -> Upload:
    """Upload files in one part each, as the only dataset of a project of their own."""
    project = Project.objects.create(name="Shop", slug="shop")
    project.memberships.create(user=user, role="admin")
    announced = [Announced(role, name, len(data)) for role, (name, data) in files.items()]
    upload = begin_upload(project, user, announced, name="Soap")
    for file in upload.files.all():
        store_whole(file, ContentFile(files[file.role][1]))
    return upload


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def through_the_pages(user: User, settings: Settings, tmp_path: Path) -> Callable[[Files], Version]:
    """Uploads files, takes the guessed mapping, and reads in this process: a child for each small file would take a minute.

    Raises DataError where the pages or the reading refuse.
    """
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "storage")}}
    settings.STORAGES = {**settings.STORAGES, "default": storage}
    (tmp_path / "scratch").mkdir()

    def read(files: Files) -> Version:
        upload = send(user, files)
        version = start_version(upload, user, {"core": 0}, require_mapping(describe(upload)))
        attempt = claim_version(version.pk)
        assert attempt is not None
        ending = read_upload(attempt, version, tmp_path / "scratch", "versions/one")
        assert ending()
        version.refresh_from_db()
        assert version.state == VersionState.READY
        return version

    return read


def prepared(version: Version) -> Prepared:
    return read_version(storage_root() / version.storage_key)


def files_of(name: str) -> Files:
    """The file as a person would upload it: beside the good file of the other kind, or alone if it is an archive."""
    content = (MALFORMED / name).read_bytes()
    if name.endswith(".zip"):
        return {"interactions": (name, content)}
    items = name in ITEMS or name.endswith("_items.csv")
    good = "00_good_interactions.csv" if items else "00_good_items.csv"
    other = (good, (MALFORMED / good).read_bytes())
    return {"interactions": other, "items": (name, content)} if items else {"interactions": (name, content), "items": other}


# The pages look at names and first rows before a worker reads, and say some things in other words.
SAID_EARLIER = {
    "07_unclosed_quote_items.csv": "the row that starts on line 2 cannot be read",
    "08_missing_item_column.csv": "no column is the item",
    "15_empty.csv": "is empty",
    "29_deep_nesting.jsonl": "no line holds an object that can be used",
    "19_nul_bytes.csv": "NUL byte at offset 200",
    "30_binary_named_csv.csv": "not a text file, but a PNG picture",
}


@pytest.mark.parametrize("name", manifest())
def test_every_malformed_file_ends_as_the_manifest_says(
    name: str, through_the_pages: Callable[[Files], Version], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    expected = EXPECTED[name]

    def load() -> Version:
        version = through_the_pages(files_of(name))
        if name != TOO_SHORT_TO_SPLIT:
            leave_one_out(prepared(version))
        return version

    if isinstance(expected, Refused):
        with pytest.raises(DataError) as caught:
            load()
        assert SAID_EARLIER.get(name, expected.message) in caught.value.message
        assert caught.value.hint
        assert str(tmp_path) not in str(caught.value)
    else:
        version = load()
        notices = " ".join(version.notices)
        assert expected.notice in notices
        assert bool(expected.notice) == bool(notices)
        assert version.interactions == (3 if name == TOO_SHORT_TO_SPLIT else 104 if "orphan" in name else 96)
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.services
def test_a_mapped_upload_is_read_by_a_child(dataset: Dataset, user: User) -> None:
    log = "who;what;when\n" + "".join(f"u{row % 3};i{row % 4};{1_600_000_000 + row}\n" for row in range(24))
    upload = send(user, {"interactions": ("log.csv.gz", gzip.compress(log.encode()))})
    mapping = {"interactions": {"roles": {"who": "user", "what": "item", "when": "time"}}}
    version = start_version(upload, user, {"core": 0}, mapping)
    attempt = claim_version(version.pk)
    assert attempt is not None
    supervise_version(attempt, FAST)
    version.refresh_from_db()
    assert (version.state, version.error) == (VersionState.READY, "")
    assert (version.users, version.items, version.interactions) == (3, 4, 24)
    assert set(version.manifest["sources"]) == {"log.csv.gz"}
    assert version.progress == {}


@pytest.mark.services
def test_a_version_discarded_while_it_is_read_leaves_nothing(
    dataset: Dataset, user: User, background: Callable[[Callable[[], None]], threading.Thread]
) -> None:
    before = {path for path in storage_root().rglob("*") if path.parent != storage_root()}
    rows = b"user_id,item_id,timestamp\n" + b"".join(b"u%d,i%d,%d\n" % (row, row % 500, row) for row in range(1_000_000))
    version = start_version(send(user, {"interactions": ("log.csv", rows)}), user, {"core": 0})
    attempt = claim_version(version.pk)
    assert attempt is not None
    thread = background(lambda: supervise_version(attempt, FAST))
    wait_until(lambda: Version.objects.get(pk=version.pk).progress.get("step") == "checking", 120)
    discard_version(version, user)
    thread.join(120)
    assert not thread.is_alive()
    assert not Version.objects.exists()
    assert not Upload.objects.exists()
    assert {path for path in storage_root().rglob("*") if path.parent != storage_root()} == before


@pytest.mark.parametrize(
    "names", [("a.csv", "b.csv"), ("same.csv", "same.csv"), ("interactions.csv", "items.csv"), ("x.inter", "x.item")]
)
def test_two_files_are_told_apart_by_their_role(through_the_pages: Callable[[Files], Version], names: tuple[str, str]) -> None:
    log, items = b"user_id,item_id\nu1,i1\nu2,i2\n", b"item_id,title\ni1,A soap\ni2,A tea\n"
    if names[0] == "x.inter":
        log = b"user_id:token\titem_id:token\nu1\ti1\nu2\ti2\n"
        items = b"item_id:token\ttitle:token_seq\ni1\tA soap\ni2\tA tea\n"
    version = through_the_pages({"interactions": (names[0], log), "items": (names[1], items)})
    assert prepared(version).titles == ["A soap", "A tea"]


def test_progress_is_told_step_by_step(through_the_pages: Callable[[Files], Version], monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    monkeypatch.setattr(VersionAttempt, "note", lambda self, step, done=0, of=0: told.append((step, done, of)))
    through_the_pages({"interactions": ("a.csv", b"user_id,item_id\nu1,i1\nu2,i2\n")})
    assert list(dict.fromkeys(step for step, _, _ in told)) == ["reading", "checking", "filtering", "writing"]
    assert ("reading", 28, 28) in told


def test_rows_left_out_are_listed_for_people(through_the_pages: Callable[[Files], Version]) -> None:
    rows = b"user_id,item_id,title\n" + b"u1,i1,x\nu2,i2,x\n" * 20 + b"=1+1,i2\n,i3,x\n"
    version = through_the_pages({"interactions": ("log.csv", rows)})
    assert version.report["rejected"] == 2
    assert {(reason["reason"], *reason["lines"]) for reason in version.report["reasons"]} == {
        ("too few fields", 42),
        ("an empty user or item", 43),
    }
    with default_storage.open(rejected_key(version)) as stored:
        listed = list(csv.DictReader(io.TextIOWrapper(stored, encoding="utf-8")))
    assert [row["line"] for row in listed] == ["42", "43"]
    assert listed[0]["text"].startswith("'=1+1")
    prepared(version)
