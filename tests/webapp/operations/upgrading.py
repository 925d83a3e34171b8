"""The upgrade drill in a process and a database of its own: ``python -m tests.webapp.operations.upgrading RELEASE``.

An empty database is brought to the tables of an old release, a row is put into each of them through the models that the release
had, all newer migrations follow, and every row must be as it was. Then a person opens pages, and all is taken back and forth.
"""

import datetime
import json
import sys
import uuid
from pathlib import Path
from typing import Any

import django

django.setup()

from django.apps import apps as today  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.db.migrations.executor import MigrationExecutor  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from engine.presets import get_preset  # noqa: E402

RELEASES = Path(__file__).with_name("releases.json")
OURS = {config.label for config in today.get_app_configs() if config.name.startswith("webapp.")}
SPEC = get_preset("popularity").spec().model_dump(mode="json")
VALUES: dict[str, dict[str, Any]] = {
    "auth.User": {"username": "alice", "is_active": True},
    "accounts.Project": {"name": "Shop", "slug": "shop"},
    "accounts.Membership": {"role": "admin"},
    "datasets.Dataset": {"name": "Beauty"},
    "datasets.Version": {"number": 1, "state": "ready", "storage_key": "versions/1", "users": 3, "items": 3, "interactions": 9},
    "experiments.Run": {"spec": SPEC, "method": "popularity", "state": "succeeded", "folder_key": "runs/1"},
}
"""What pages need to make sense of a row; all else is filled by its type."""
PAGES = ["/", "/runs", "/datasets", "/searches", "/workers", "/audit", "/groups", "/notices", "/profile"]
Rows = dict[str, list[dict[str, Any]]]


def targets(release: str) -> list[tuple[str, str]]:
    """The migrations at which an old release stood, with those of Django's own apps at their newest."""
    (found,) = (each for each in json.loads(RELEASES.read_text()) if each["name"] == release)
    graph = MigrationExecutor(connection).loader.graph
    others = [leaf for leaf in graph.leaf_nodes() if leaf[0] not in OURS]
    return [*others, *found["migrations"].items()]


def fill(state: Any) -> Rows:
    """One row in each table of ours (and a user), with what is needed; returns all rows."""
    made: dict[str, Any] = {}
    begun: set[str] = set()

    def make(model: Any) -> Any:
        label = model._meta.label
        if label in made:
            return made[label]
        begun.add(label)
        values = {}
        for field in model._meta.concrete_fields:
            if field.primary_key and field.get_internal_type().endswith("AutoField"):
                continue
            if field.name in VALUES.get(label, {}):
                values[field.name] = VALUES[label][field.name]
            elif field.is_relation:
                to = field.related_model
                # Rows that name each other: what may be empty is, for now.
                later = field.null and to._meta.label in begun - made.keys()
                values[field.name] = None if later else make(to)
            else:
                values[field.name] = _value(field)
        made[label] = model.objects.create(**values)
        return made[label]

    for model in sorted(state.get_models(), key=lambda model: model._meta.label):
        if model._meta.app_label in OURS:
            make(model)
    return rows()


def _value(field: Any) -> Any:
    if field.null:
        # Checks of the database say when such a field may be filled.
        return None
    if field.has_default():
        return field.get_default()
    if field.choices:
        return field.choices[0][0]
    kinds: list[tuple[type, Any]] = [
        (models.JSONField, {}),
        (models.UUIDField, uuid.uuid4()),
        (models.BooleanField, False),
        (models.DateTimeField, timezone.now()),
        (models.DateField, datetime.date(2026, 1, 1)),
        (models.FloatField, 0.5),
        (models.IntegerField, 1),
        (models.BinaryField, b"\x00"),
        (models.CharField, "x"),
        (models.TextField, "x"),
    ]
    return next(value for kind, value in kinds if isinstance(field, kind))


def rows() -> Rows:
    """All rows of all tables, by table, each a map from column to value as text."""
    found: Rows = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table == "django_migrations":
                continue
            cursor.execute(f'select row_to_json(each)::text from "{table}" each order by 1')  # noqa: S608 (a name of ours)
            found[table] = [json.loads(text) for (text,) in cursor.fetchall()]
    return found


def compare(before: Rows, after: Rows) -> None:
    """AssertionError where a row, or a value of a column that still is there, has changed."""
    for table, old in before.items():
        if table in ("django_content_type", "auth_permission"):
            continue
        assert table in after, f"the table {table} is gone"
        assert len(old) == len(after[table]), f"{table} had {len(old)} rows, and has {len(after[table])}"
        key = "id" if old and "id" in old[0] else None
        if key is None:
            continue
        now = {row[key]: row for row in after[table]}
        for row in old:
            kept = {name: value for name, value in row.items() if name in now[row[key]]}
            assert kept == {name: now[row[key]][name] for name in kept}, f"{table} {row[key]} has changed"


def main(release: str) -> None:
    """The whole drill; says ``whole`` at its end."""
    executor = MigrationExecutor(connection)
    executor.migrate(targets(release))
    state = MigrationExecutor(connection).loader.project_state(targets(release)).apps
    before = fill(state)
    filled = [table for table, old in before.items() if old]
    newest = MigrationExecutor(connection)
    newest.migrate(newest.loader.graph.leaf_nodes())
    after = rows()
    compare(before, after)
    client = Client(raise_request_exception=True)
    client.force_login(User.objects.get(username="alice"))
    run = after["experiments_run"][0]["id"]
    version = after["datasets_version"][0]
    pages = [*PAGES, f"/runs/{run}", f"/datasets/{version['dataset_id']}", f"/datasets/{version['dataset_id']}/versions/1"]
    for page in pages:
        answer = client.get(page, follow=True)
        assert answer.status_code == 200, (page, answer.status_code)
    opened = rows()
    back = MigrationExecutor(connection)
    back.migrate(targets(release))
    forth = MigrationExecutor(connection)
    forth.migrate(forth.loader.graph.leaf_nodes())
    # What newer tables held is lost on the way back, as the upgrade note says; old tables are as they were.
    compare({table: old for table, old in before.items() if table in filled and opened[table] == after[table]}, rows())
    print(f"whole: {len(filled)} tables")


if __name__ == "__main__":
    main(sys.argv[1])
