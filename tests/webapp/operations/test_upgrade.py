"""An old release's database, with rows in it, is brought up to date; migrations can be taken back; old messages find tasks."""

import json

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from tests.webapp.operations.places import Place
from tests.webapp.operations.upgrading import OURS, RELEASES
from workers.app import app

NO_WAY_BACK: dict[str, str] = {}
"""Migrations that cannot be taken back, ``app.name``, and why; the upgrade note of their release must say so too."""
RENAMED: dict[str, str] = {}
"""Tasks of the last release but one and before that are registered no more, and what they became."""


def releases() -> list[dict[str, object]]:
    found = json.loads(RELEASES.read_text())
    assert isinstance(found, list)
    return found


@pytest.mark.services
@pytest.mark.parametrize("release", [str(release["name"]) for release in releases()])
def test_rows_of_an_old_release_are_whole_and_pages_open(release: str, elsewhere: Place) -> None:
    done = elsewhere.python("-m", "tests.webapp.operations.upgrading", release, DEBUG="1", ALLOWED_HOSTS="testserver")
    assert done.returncode == 0, done.stderr[-6000:]
    assert done.stdout.startswith("whole: ")
    assert int(done.stdout.split()[1]) >= 12


def test_every_migration_can_be_taken_back_or_says_why_not() -> None:
    found = MigrationLoader(None).disk_migrations
    one_way = {
        f"{app_label}.{name}"
        for (app_label, name), migration in found.items()
        if app_label in OURS and not all(operation.reversible for operation in migration.operations)
    }
    assert one_way == set(NO_WAY_BACK)


def test_every_listed_migration_is_still_there() -> None:
    known = set(MigrationLoader(None).disk_migrations)
    for release in releases():
        listed = release["migrations"]
        assert isinstance(listed, dict)
        assert set(listed.items()) <= known, release["name"]


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)


def test_tasks_stay_registered_for_one_release() -> None:
    app.loader.import_default_modules()
    last, *_ = reversed(releases())
    assert set(last["tasks"]) <= set(app.tasks), "old web processes still send these, and old messages wait"  # type: ignore[call-overload]
    earlier = {name for release in releases() for name in release["tasks"]}  # type: ignore[attr-defined]
    assert earlier - set(app.tasks) == set(RENAMED)
