import gzip
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from engine.data.edits import Edits, Merge
from engine.data.generated import generate
from engine.data.profile import Profile
from tests.workers.fixtures import FAST, Dataset, Version, VersionState, storage_root
from workers.claims import claim_version
from workers.supervisor import supervise_version

pytestmark = pytest.mark.services
Ingest = Callable[..., Version]
HEADER = "user_id,item_id,timestamp\n"


@pytest.fixture
def ingest(dataset: Dataset) -> Ingest:
    """Upload the given files and have a child read them."""

    def read(core: int = 0, **files: bytes) -> Version:
        key = f"uploads/{uuid.uuid4()}"
        for name, content in files.items():
            path = storage_root() / key / name.replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        number = dataset.versions.count() + 1
        version = Version.objects.create(dataset=dataset, number=number, upload_key=key, filters={"core": core})
        attempt = claim_version(version.pk)
        assert attempt is not None
        supervise_version(attempt, FAST)
        version.refresh_from_db()
        # Where the server keeps its files is nobody's business.
        assert str(storage_root()) not in version.error + version.hint
        return version

    return read


@pytest.fixture(autouse=True)
def _nothing_left_behind(dataset: Dataset) -> object:
    """Whatever happens, no folder is left that no ready version names."""

    def folders() -> set[str]:
        places = [
            f"{name}/{child}"
            for name in ("versions", "scratch")
            if default_storage.exists(name)
            for child in default_storage.listdir(name)[0]
        ]
        return set(places)

    before = folders()
    yield
    named = set(Version.objects.filter(state=VersionState.READY).values_list("storage_key", flat=True))
    assert folders() - before == named


def test_good_files_become_a_ready_version(ingest: Ingest, tmp_path: Path) -> None:
    generate(tmp_path, users=60, items=80, seed=1)
    version = ingest(
        core=2,
        interactions_csv_gz=gzip.compress((tmp_path / "interactions.csv").read_bytes()),
        items_csv=(tmp_path / "items.csv").read_bytes(),
    )
    assert (version.state, version.error) == (VersionState.READY, "")
    assert version.users == 60
    assert version.items
    assert version.interactions
    assert len(version.hash) == 64
    assert version.manifest["hash"] == version.hash
    assert version.leakage["version"] == version.hash
    assert version.finished_at is not None
    assert (storage_root() / version.storage_key / "interactions.parquet").is_file()
    assert default_storage.exists(f"{version.upload_key}/interactions.csv.gz")


def test_a_ready_version_has_its_profile(ingest: Ingest) -> None:
    version = ingest(interactions_csv=(HEADER + "a,x,1\na,y,2\na,x,3\nb,x,1\nb,z,2\n").encode())
    profile = Profile.model_validate(version.profile)
    assert profile.version == version.hash
    assert profile.counts.interactions == 5
    assert profile.repeats.interactions == 1


def test_a_version_is_made_from_its_parent_by_edits_and_filters(ingest: Ingest) -> None:
    parent = ingest(interactions_csv=(HEADER + "a,x,1\na,y,2\na,z,3\nb,x,1\nb,z,2\nc,x,9\n").encode())
    edits = Edits(merges=(Merge(source="y", into="z"),))
    child = derive(parent, edits=edits.model_dump(mode="json"), filters={"core": 2})
    assert (child.state, child.error) == (VersionState.READY, "")
    assert child.manifest["parent"] == parent.hash
    assert [step["name"] for step in child.manifest["filters"]] == ["merge-items", "duplicates", "k-core"]
    assert (child.users, child.items, child.interactions) == (2, 2, 5)
    assert child.profile["counts"]["interactions"] == 5
    assert derive(parent, filters={"core": 0}).hash == parent.hash


def test_edits_that_do_not_fit_the_parent_fail_with_names(ingest: Ingest) -> None:
    parent = ingest(interactions_csv=(HEADER + "a,x,1\nb,x,1\n").encode())
    child = derive(parent, edits=Edits(exclude_users=("nobody",)).model_dump(mode="json"), filters={"core": 0})
    assert child.state == VersionState.FAILED
    assert "1 user of the edits is not in this version: nobody." in child.error


def test_a_parent_that_is_gone_is_said(dataset: Dataset) -> None:
    version = Version.objects.create(dataset=dataset, number=1, filters={"core": 0})
    attempt = claim_version(version.pk)
    assert attempt is not None
    supervise_version(attempt, FAST)
    version.refresh_from_db()
    assert (version.state, version.error) == (VersionState.FAILED, "The version that this one was to be made from is gone.")


def test_the_same_upload_has_the_same_hash(ingest: Ingest) -> None:
    rows = (HEADER + "a,x,1\na,y,2\na,z,3\nb,x,1\nb,z,2\n").encode()
    first, second = ingest(interactions_csv=rows), ingest(interactions_csv=rows)
    assert first.hash == second.hash
    assert first.storage_key != second.storage_key


def test_a_missing_column_is_named(ingest: Ingest) -> None:
    version = ingest(interactions_csv=b"person,thing,when\na,x,1\n")
    assert version.state == VersionState.FAILED
    assert "user" in version.error + version.hint
    assert version.hint


def test_an_empty_file_says_so(ingest: Ingest) -> None:
    version = ingest(interactions_csv=b"")
    assert version.state == VersionState.FAILED
    assert "empty" in version.error
    assert version.storage_key == ""


def test_one_user_is_too_few(ingest: Ingest) -> None:
    version = ingest(interactions_csv=(HEADER + "a,x,1\na,y,2\na,z,3\n").encode())
    assert (version.state, version.error) == (VersionState.FAILED, "1 user; at least 2 are needed to train.")


def derive(parent: Version, **values: object) -> Version:
    """A version from ``parent``, made by a child."""
    number = parent.dataset.versions.count() + 1
    version = Version.objects.create(dataset=parent.dataset, number=number, parent=parent, **values)
    attempt = claim_version(version.pk)
    assert attempt is not None
    supervise_version(attempt, FAST)
    version.refresh_from_db()
    return version


@cache
def many_rows(users: int) -> bytes:
    return (HEADER + "".join(f"u{user},i{user % 500},{user}\n" for user in range(users))).encode()


@pytest.mark.parametrize(("variable", "value"), [("INGEST_MEMORY_MB", "400"), ("INGEST_CPU_SECONDS", "3")])
def test_reading_ends_at_its_limits(ingest: Ingest, monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    # A small file is well within them.
    assert ingest(interactions_csv=many_rows(2_000)).state == VersionState.READY
    version = ingest(interactions_csv=many_rows(2_000_000))
    assert version.state == VersionState.FAILED
    assert version.error == "Reading the files took too much memory or time."
    assert "INGEST_MEMORY_MB" in version.hint
