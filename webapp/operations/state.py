"""What a database holds: tables, rows, migrations, and whether anybody works with it."""

from importlib.metadata import PackageNotFoundError, version

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from webapp.fleet.models import WorkerNode

MADE_BY_MIGRATIONS = {"django_migrations", "django_content_type", "auth_permission"}
"""Tables that hold rows in a lab that nobody has used yet."""
_SILENT_SECONDS = 30


def software() -> str:
    """The version of this software, empty where it is not installed as a package."""
    try:
        return version("darec-lab")
    except PackageNotFoundError:
        return ""


def server_major() -> int:
    """Major version of the database server."""
    connection.ensure_connection()
    return int(connection.pg_version) // 10_000  # type: ignore[attr-defined]


def tables() -> list[str]:
    """The tables of the schema ``public``."""
    with connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = 'public' order by tablename")
        return [row[0] for row in cursor.fetchall()]


def count_rows() -> dict[str, int]:
    """How many rows each table has."""
    counts = {}
    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(f"select count(*) from public.{connection.ops.quote_name(table)}")  # noqa: S608  # nosec B608  # quoted
            counts[table] = int(cursor.fetchone()[0])
    return counts


def is_used() -> bool:
    """Whether any table holds more than what migrations put there."""
    with connection.cursor() as cursor:
        for table in tables():
            if table not in MADE_BY_MIGRATIONS:
                cursor.execute(f"select exists(select 1 from public.{connection.ops.quote_name(table)})")  # noqa: S608  # nosec B608  # quoted
                if cursor.fetchone()[0]:
                    return True
    return False


def living_processes() -> list[str]:
    """Workers, beat and reapers of this database that gave a sign of life within the last half minute."""
    if WorkerNode._meta.db_table not in tables():
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "select name from fleet_workernode where heartbeat_at > now() - make_interval(secs => %s)", [_SILENT_SECONDS]
        )
        return [row[0] for row in cursor.fetchall()]


def applied_migrations() -> list[str]:
    """The migrations that the database has seen, ``app.name``, sorted."""
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def known_migrations() -> set[str]:
    """The migrations that this software brings, with those that a squashed one replaces."""
    found = MigrationLoader(None).disk_migrations
    names = set(found) | {key for migration in found.values() for key in migration.replaces}
    return {f"{app}.{name}" for app, name in names}
