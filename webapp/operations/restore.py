"""Restoring a back-up: checked to its last byte before anything is changed; then objects, then the tables in one transaction."""

import hashlib
import tempfile
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from engine.errors import EngineError, UserError
from webapp.operations.archive import DATABASE, MANIFEST, OBJECTS, Manifest, check_archive, members
from webapp.operations.objects import delete_object, list_objects, write_object
from webapp.operations.programs import Programs
from webapp.operations.state import count_rows, is_used, known_migrations, living_processes, server_major

_CHUNK = 2**20
_SPOOL_BYTES = 2**24
_CLEAR = """
set lock_timeout = '30s';
do $$
declare each record;
begin
  for each in select format('drop view if exists public.%I cascade', viewname) as words
      from pg_views where schemaname = 'public'
    loop execute each.words; end loop;
  for each in select format('drop table if exists public.%I cascade', tablename) as words
      from pg_tables where schemaname = 'public'
    loop execute each.words; end loop;
  for each in select format('drop sequence if exists public.%I cascade', sequencename) as words
      from pg_sequences where schemaname = 'public'
    loop execute each.words; end loop;
  for each in select format('drop routine if exists %s cascade', code.oid::regprocedure) as words
      from pg_proc code join pg_namespace space on space.oid = code.pronamespace
      where space.nspname = 'public' and not exists
        (select from pg_depend needed where needed.objid = code.oid and needed.deptype = 'e')
    loop execute each.words; end loop;
end $$;
"""
"""Empties the schema ``public``, without the rights that dropping the schema itself would need; what extensions own stays."""


def restore(path: Path, *, replace: bool) -> Manifest:
    """Make database and storage what the back-up at ``path`` says. If it fails midway, the same command begins again.

    Args:
        replace: True allows a target that holds something, which is lost then.

    Raises:
        UserError: the archive is damaged or newer than this software, the target is not empty, or somebody works with it.
            Nothing was changed.
    """
    manifest = check_archive(path)
    programs = Programs(connection.settings_dict, server_major())
    _check_versions(manifest, programs.major)
    before = set(list_objects())
    _check_target(bool(before) or is_used(), replace)
    for name in ("pg_restore", "psql"):
        programs.find(name)
    with tempfile.TemporaryDirectory(prefix="restore-") as scratch:
        dump = _unpack(path, manifest, Path(scratch))
        _restore_database(programs, dump)
    if count_rows() != manifest.rows:
        raise EngineError("The restored tables do not have as many rows as the back-up says.", "Take another back-up.")
    for name in sorted(before - {member.removeprefix(OBJECTS) for member in manifest.members}):
        delete_object(name)
    call_command("migrate", interactive=False, verbosity=0)
    return manifest


def _check_versions(manifest: Manifest, major: int) -> None:
    unknown = sorted(set(manifest.migrations) - known_migrations())
    if unknown:
        raise UserError(
            f"The back-up is newer than this software: it has the migration {unknown[0]}.",
            f"Restore it with the release that made it ({manifest.software or 'unknown'}) or a newer one.",
        )
    if manifest.postgres > major:
        raise UserError(
            f"The back-up comes from PostgreSQL {manifest.postgres}, the target is PostgreSQL {major}.",
            "Restore it into a server of the same version or a newer one.",
        )


def _check_target(used: bool, replace: bool) -> None:
    if used and not replace:
        raise UserError(
            "The target is not empty: its database or its storage holds something.",
            "Set DATABASE_URL and STORAGE_URL to an empty place, or add --replace, which removes what is there.",
        )
    living = living_processes()
    if living:
        raise UserError(
            f"{len(living)} processes work with this database, such as {living[0]}.",
            "Stop all services first; if they were killed a moment ago, wait half a minute.",
        )


def _unpack(path: Path, manifest: Manifest, scratch: Path) -> Path:
    """Store the objects, and return the file with the database."""
    dump = scratch / DATABASE
    for name, file in members(path):
        if name == MANIFEST:
            continue
        with dump.open("w+b") if name == DATABASE else tempfile.SpooledTemporaryFile(_SPOOL_BYTES, dir=str(scratch)) as spool:
            digest = hashlib.sha256()
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                spool.write(chunk)
            if digest.hexdigest() != manifest.members[name].sha256:
                raise EngineError(f"{path} was changed while it was read.", "Run the same command again, with --replace.")
            if name != DATABASE:
                write_object(name.removeprefix(OBJECTS), spool)
    return dump


def _restore_database(programs: Programs, dump: Path) -> None:
    clear, script = dump.with_name("clear.sql"), dump.with_name("restore.sql")
    clear.write_text(_CLEAR, encoding="utf-8")
    # Into a file first: were it piped, psql would take a pg_restore that fails for one that has finished, and commit.
    programs.run("pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(dump), connect=False)
    # Our own connection would stand in the way of dropping tables.
    connection.close()
    quiet = ("--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1", "--single-transaction")
    programs.run("psql", *quiet, f"--file={clear}", f"--file={script}")
