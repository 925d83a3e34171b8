from dataclasses import replace
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.version import read_version
from engine.spec import FilterSpec
from tests.workers.fixtures import FAST, Version, VersionState, storage_root
from webapp.datasets.models import Derived, DerivedKind
from workers.derivations import beat, claim, fail, give_back, lose
from workers.deriving import derive, leakage_of
from workers.failures import MAKING_LOST
from workers.supervisor import supervise_derivation


def asked(version: Version, kind: DerivedKind, **values: object) -> Derived:
    return Derived.objects.create(version=version, kind=kind, asked_at=timezone.now(), **values)


def made(derived: Derived, scratch: Path) -> Derived:
    attempt = claim(derived.pk)
    assert attempt is not None
    derive(derived.pk, attempt, scratch, f"exports/test-{derived.pk}")
    derived.refresh_from_db()
    return derived


def test_an_archive_gives_the_version_again(version: Version, prepared_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    derived = made(asked(version, DerivedKind.RECBOLE), tmp_path / "scratch")
    assert (derived.state, derived.error) == ("ready", "")
    archive = storage_root() / derived.storage_key / "data.zip"
    assert archive.stat().st_size == derived.size
    assert derived.file_name.endswith("-v1.recbole.zip")
    assert derived.result == {"lost": []}
    again = prepare(read_raw(archive), FilterSpec(core=0), tmp_path / "again")
    assert again.hash == read_version(prepared_folder).hash


def test_a_report_is_stored_with_the_version(version: Version, prepared_folder: Path, tmp_path: Path) -> None:
    derived = made(asked(version, DerivedKind.LEAKAGE), tmp_path)
    version.refresh_from_db()
    assert derived.state == "ready"
    assert version.leakage == derived.result == leakage_of(read_version(prepared_folder))
    assert version.leakage["split"] == "leave-one-out"


def test_a_difference(version: Version, tmp_path: Path) -> None:
    values = {"state": VersionState.READY, "upload_key": "uploads/none", "storage_key": version.storage_key}
    other = Version.objects.create(dataset=version.dataset, number=2, **values)
    derived = made(asked(version, DerivedKind.DIFFERENCE, other=other), tmp_path)
    assert derived.result["before"] == derived.result["after"]
    assert derived.result["interactions_gone"] == {"count": 0, "samples": []}


def test_a_split_that_cannot_be_made_is_a_problem_and_no_failure(tmp_path: Path) -> None:
    (tmp_path / "interactions.csv").write_text("user_id,item_id,timestamp\na,x,1\nb,y,2\n")
    version = prepare(read_raw(tmp_path), FilterSpec(core=0), tmp_path / "version")
    assert "No user has the 3 interactions" in str(leakage_of(version)["problem"])


def test_a_damaged_version_is_said(version: Version, tmp_path: Path) -> None:
    Version.objects.update(storage_key="versions/nothing-here")
    derived = made(asked(version, DerivedKind.CSV), tmp_path)
    assert derived.state == "failed"
    assert "is no prepared version" in derived.error
    assert str(storage_root()) not in derived.error


def test_one_claim_at_a_time(version: Version) -> None:
    derived = asked(version, DerivedKind.CSV)
    assert claim(derived.pk) == 1
    assert claim(derived.pk) is None
    assert lose(derived.pk, 1)
    assert claim(derived.pk) == 2
    # What the first attempt writes changes nothing any more.
    assert not beat(derived.pk, 1)
    assert not give_back(derived.pk, 1)
    assert not fail(derived.pk, 1, MAKING_LOST)
    assert give_back(derived.pk, 2)
    assert claim(derived.pk) == 3
    assert lose(derived.pk, 3)
    derived.refresh_from_db()
    assert (derived.state, derived.error) == ("failed", MAKING_LOST.message)
    assert claim(derived.pk) is None


def test_nothing_is_made_of_a_deleted_version(version: Version) -> None:
    derived = asked(version, DerivedKind.CSV)
    Version.objects.update(state=VersionState.DELETED)
    assert claim(derived.pk) is None
    derive(4711, 1, Path("/nothing"), "exports/none")


@pytest.mark.services
def test_in_a_child_process(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    derived = asked(version, DerivedKind.PARQUET)
    supervise_derivation(derived.pk, FAST)
    derived.refresh_from_db()
    assert (derived.state, derived.error) == ("ready", "")
    assert default_storage.exists(f"{derived.storage_key}/data.zip")
    # A message that comes twice changes nothing.
    supervise_derivation(derived.pk, FAST)
    assert Derived.objects.get().storage_key == derived.storage_key


@pytest.mark.services
def test_a_child_that_is_cut_off_leaves_nothing(version: Version) -> None:
    before = set(default_storage.listdir("exports")[0]) if default_storage.exists("exports") else set()
    derived = asked(version, DerivedKind.CSV)
    supervise_derivation(derived.pk, replace(FAST, ingest_wall=0.1))  # a process takes longer than that to start
    derived.refresh_from_db()
    assert (derived.state, derived.error) == ("failed", "Making it took too much memory or time.")
    assert (set(default_storage.listdir("exports")[0]) if default_storage.exists("exports") else set()) == before
