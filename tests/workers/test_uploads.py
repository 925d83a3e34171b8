"""From the files that people upload to versions, through the actions of the pages and a worker's reading."""

import csv
import gzip
import io
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from engine.data.split import leave_one_out
from engine.data.version import read_version
from engine.errors import DataError
from tests.engine.data.test_malformed import EXPECTED, ITEMS, MALFORMED, TOO_SHORT_TO_SPLIT, Refused, manifest
from tests.workers.fixtures import FAST, Dataset, Version, VersionState, storage_root
from webapp.datasets.columns import describe, require_mapping
from webapp.datasets.models import Upload
from webapp.datasets.report import rejected_key
from webapp.datasets.starting import discard_version, start_version
from webapp.datasets.uploads import Announced, begin_upload, cancel_upload, store_whole
from workers.attempts import VersionAttempt
from workers.claims import claim_version
from workers.ingestion import ingest_version
from workers.lifeline import Lifeline
from workers.supervisor import supervise_version

pytestmark = pytest.mark.services
Files = dict[str, tuple[str, bytes]]


@pytest.fixture
def user(dataset: Dataset) -> User:
    found = User.objects.create_user("alice")
    dataset.project.memberships.create(user=found, role="admin")
    return found


@pytest.fixture(autouse=True)
def _nothing_left_behind(dataset: Dataset) -> Iterator[None]:
    """No folder is left that no version names."""
    yield
    for parent, column in (("versions", "storage_key"), ("uploads", "upload_key"), ("scratch", "upload_key")):
        if default_storage.exists(parent):
            named = set(Version.objects.values_list(column, flat=True))
            there = {f"{parent}/{name}" for name in default_storage.listdir(parent)[0]}
            assert {key for key in there - named if "test-" not in key and (storage_root() / key).is_dir()} == set()


@pytest.fixture
def send(dataset: Dataset, user: User) -> Callable[[Files], Upload]:
    """Upload files in one part each."""

    def store(files: Files) -> Upload:
        announced = [Announced(role, name, len(data)) for role, (name, data) in files.items()]
        upload = begin_upload(dataset.project, user, announced, name=f"set {uuid.uuid4().hex[:6]}")
        for file in upload.files.all():
            store_whole(file, ContentFile(files[file.role][1]))
        return upload

    return store


def read_here(version: Version, scratch: Path) -> Version:
    """Read the upload in this process: a child of its own for each of many small files would take a minute."""
    attempt = claim_version(version.pk)
    assert attempt is not None
    lifeline = Lifeline(attempt, FAST)
    lifeline.start()
    scratch.mkdir(exist_ok=True)
    ingest_version(attempt, scratch, f"versions/{uuid.uuid4()}", lifeline, FAST)
    version.refresh_from_db()
    return version


def through_the_pages(upload: Upload, user: User, scratch: Path) -> Version:
    """What the pages do from the files on; raises DataError where they refuse."""
    mapping = require_mapping(describe(upload))
    version = read_here(start_version(upload, user, {"core": 0}, mapping), scratch)
    if version.state == VersionState.FAILED:
        raise DataError(version.error, version.hint)
    return version


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
    name: str, send: Callable[[Files], Upload], user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    expected = EXPECTED[name]
    upload = None
    if isinstance(expected, Refused):
        with pytest.raises(DataError) as caught:
            upload = send(files_of(name))
            version = through_the_pages(upload, user, tmp_path / "scratch")
            leave_one_out(read_version(storage_root() / version.storage_key))
        assert SAID_EARLIER.get(name, expected.message) in caught.value.message
        assert caught.value.hint
    else:
        upload = send(files_of(name))
        version = through_the_pages(upload, user, tmp_path / "scratch")
        notices = " ".join(version.notices)
        assert expected.notice in notices
        assert bool(expected.notice) == bool(notices)
        prepared = read_version(storage_root() / version.storage_key)
        if name != TOO_SHORT_TO_SPLIT:
            leave_one_out(prepared)
            assert version.interactions in (96, 104)
    assert list((tmp_path / "temporary").iterdir()) == []
    assert str(storage_root()) not in " ".join(Version.objects.values_list("error", flat=True))
    if upload is not None and not Version.objects.exists():
        cancel_upload(upload)


def test_a_mapped_upload_is_read_by_a_child(send: Callable[[Files], Upload], user: User) -> None:
    log = "who;what;when\n" + "".join(f"u{row % 3};i{row % 4};{1_600_000_000 + row}\n" for row in range(24))
    upload = send({"interactions": ("log.csv.gz", gzip.compress(log.encode()))})
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


@pytest.mark.parametrize(
    "names", [("a.csv", "b.csv"), ("same.csv", "same.csv"), ("interactions.csv", "items.csv"), ("x.inter", "x.item")]
)
def test_two_files_are_told_apart_by_their_role(
    send: Callable[[Files], Upload], user: User, tmp_path: Path, names: tuple[str, str]
) -> None:
    log, items = b"user_id,item_id\nu1,i1\nu2,i2\n", b"item_id,title\ni1,A soap\ni2,A tea\n"
    if names[0] == "x.inter":
        log, items = b"user_id:token\titem_id:token\nu1\ti1\nu2\ti2\n", b"item_id:token\ttitle:token_seq\ni1\tA soap\ni2\tA tea\n"
    upload = send({"interactions": (names[0], log), "items": (names[1], items)})
    version = through_the_pages(upload, user, tmp_path)
    assert read_version(storage_root() / version.storage_key).titles == ["A soap", "A tea"]


def test_progress_is_told_step_by_step(
    send: Callable[[Files], Upload], user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    note = VersionAttempt.note
    monkeypatch.setattr(
        VersionAttempt, "note", lambda self, step, done=0, of=0: (told.append((step, done, of)), note(self, step, done, of))[1]
    )
    through_the_pages(send({"interactions": ("a.csv", b"user_id,item_id\nu1,i1\nu2,i2\n")}), user, tmp_path)
    assert list(dict.fromkeys(step for step, _, _ in told)) == ["reading", "checking", "filtering", "writing"]
    assert ("reading", 28, 28) in told


def test_rows_left_out_are_listed_for_people(send: Callable[[Files], Upload], user: User, tmp_path: Path) -> None:
    rows = b"user_id,item_id,title\n" + b"u1,i1,x\nu2,i2,x\n" * 20 + b"=1+1,i2\n,i3,x\n"
    version = through_the_pages(send({"interactions": ("log.csv", rows)}), user, tmp_path)
    assert version.report["rejected"] == 2
    assert {(reason["reason"], *reason["lines"]) for reason in version.report["reasons"]} == {
        ("too few fields", 42),
        ("an empty user or item", 43),
    }
    with default_storage.open(rejected_key(version)) as stored:
        listed = list(csv.DictReader(io.TextIOWrapper(stored, encoding="utf-8")))
    assert [row["line"] for row in listed] == ["42", "43"]
    assert listed[0]["text"].startswith("'=1+1")
    read_version(storage_root() / version.storage_key)


def test_a_version_discarded_while_it_is_read_leaves_nothing(
    send: Callable[[Files], Upload], user: User, background: Callable[..., object]
) -> None:
    rows = b"user_id,item_id,timestamp\n" + b"".join(b"u%d,i%d,%d\n" % (row, row % 500, row) for row in range(1_500_000))
    upload = send({"interactions": ("log.csv", rows)})
    version = start_version(upload, user, {"core": 0})
    attempt = claim_version(version.pk)
    assert attempt is not None
    thread = background(lambda: supervise_version(attempt, FAST))
    from tests.workers.waiting import wait_until

    wait_until(lambda: Version.objects.get(pk=version.pk).progress.get("step") == "checking", 60)
    discard_version(version)
    thread.join(60)  # type: ignore[attr-defined]
    assert not thread.is_alive()  # type: ignore[attr-defined]
    assert not Version.objects.exists()
    assert not Upload.objects.exists()
