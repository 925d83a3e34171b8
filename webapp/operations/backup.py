"""Making a back-up: the database in one snapshot, then the objects that it names."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from webapp.operations.archive import DATABASE, OBJECTS, Manifest, Writer, new_archive
from webapp.operations.named import named_folders
from webapp.operations.objects import list_objects, read_object
from webapp.operations.programs import Programs
from webapp.operations.state import applied_migrations, count_rows, server_major, software


@dataclass(frozen=True)
class Snapshot:
    """What the database said of itself in the very moment of the dump."""

    rows: dict[str, int]
    migrations: list[str]
    named: set[str]


def backup(path: Path) -> Manifest:
    """Write a back-up of database and storage to ``path``, while everything goes on; see ``new_archive`` for what it raises.

    The database comes first: whatever it names was stored before. An object that is removed or written while the back-up is made
    is left out or kept as it is then; a run in progress goes on from its newest checkpoint there.
    """
    programs = Programs(connection.settings_dict, server_major())
    programs.find("pg_dump")
    with new_archive(path) as writer, tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as scratch:
        made_at = timezone.now().isoformat()
        snapshot = _dump(programs, Path(scratch) / DATABASE, writer)
        _add_objects(writer)
        manifest = Manifest(
            made_at=made_at,
            software=software(),
            postgres=programs.major,
            migrations=snapshot.migrations,
            rows=snapshot.rows,
            members=writer.members,
            missing=_missing(snapshot.named, writer),
        )
        writer.finish(manifest)
    return manifest


def _dump(programs: Programs, dump: Path, writer: Writer) -> Snapshot:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read, read only")
        cursor.execute("select pg_export_snapshot()")
        name = cursor.fetchone()[0]
        # The rows are counted in the snapshot that pg_dump sees too.
        programs.run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={name}", f"--file={dump}")
        snapshot = Snapshot(count_rows(), applied_migrations(), named_folders())
    with dump.open("rb") as file:
        writer.add(DATABASE, file)
    dump.unlink()
    return snapshot


def _add_objects(writer: Writer) -> None:
    for name in list_objects():
        with writer.spool() as spool:
            # What was removed since it was listed is named by nobody who counts.
            if read_object(name, spool):
                writer.add(f"{OBJECTS}{name}", spool)


def _missing(named: set[str], writer: Writer) -> list[str]:
    held: set[str] = set()
    for member in writer.members:
        parts = member.removeprefix(OBJECTS).split("/")
        held.update("/".join(parts[:length]) for length in range(1, len(parts) + 1))
    return sorted(named - held)
