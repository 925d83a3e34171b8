"""Back-ups: whole or not at all, and honest about what was not there."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from engine.errors import UserError
from tests.webapp.operations.places import Place
from tests.webapp.people import make_people, make_version
from webapp.operations import backup as backup_module
from webapp.operations.programs import Programs
from webapp.operations.state import is_used, known_migrations, server_major

pytestmark = pytest.mark.services


def test_what_the_database_names_and_the_storage_lacks_is_said(here: Place, tmp_path: Path) -> None:
    make_version(make_people(), storage_key="versions/gone")
    out, err = io.StringIO(), io.StringIO()
    call_command("backup", str(tmp_path / "lab.tar"), stdout=out, stderr=err)
    assert "The database names versions/gone, but the storage holds nothing there." in err.getvalue()
    assert "rows in" in out.getvalue()


@pytest.mark.parametrize(
    ("name", "words"), [("lab.zip", "must end with .tar"), ("there.tar", "exists already"), ("no/lab.tar", "no folder")]
)
def test_a_name_that_cannot_be_is_refused(name: str, words: str, here: Place, tmp_path: Path) -> None:
    (tmp_path / "there.tar").write_text("precious")
    with pytest.raises(CommandError, match=words):
        call_command("backup", str(tmp_path / name))
    assert (tmp_path / "there.tar").read_text() == "precious"


def test_a_back_up_that_fails_leaves_nothing(here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ConnectionError("the store went away")

    monkeypatch.setattr(backup_module, "list_objects", fail)
    with pytest.raises(ConnectionError):
        call_command("backup", str(tmp_path / "lab.tar.zst"))
    assert list(tmp_path.glob("*lab*")) == list(tmp_path.glob(".*")) == []


def test_programs_of_another_version_are_not_taken(here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 12.4'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"pg_dump of PostgreSQL 77.*is of PostgreSQL 12") as error:
        Programs(connection.settings_dict, 77).find("pg_dump")
    assert "postgresql-client-77" in error.value.hint
    with pytest.raises(UserError, match="there is no psql on the PATH"):
        Programs(connection.settings_dict, 77).find("psql")
    assert Programs(connection.settings_dict, server_major()).find("psql").is_file()


def test_the_password_is_not_on_the_command_line(here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    password = connection.settings_dict["PASSWORD"]
    program = tmp_path / "psql"
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "psql (PostgreSQL) 77.1"\necho "$@" > {tmp_path}/said\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    Programs({**connection.settings_dict, "OPTIONS": {"sslmode": "require", "pool": {"min_size": 1}}}, 77).run("psql")
    said = (tmp_path / "said").read_text()
    assert "sslmode=require" in said
    assert password
    assert password not in said


def test_a_lab_that_nobody_has_used_is_empty(here: Place) -> None:
    assert not is_used()
    assert {"datasets.0001_initial", "audit.0001_initial", "auth.0001_initial"} <= known_migrations()
    make_people()
    assert is_used()
