"""What is wrong with this lab: everything that it needs is looked at for real, side by side, within seconds."""

import time
import uuid
from collections.abc import Iterator
from functools import partial

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from webapp import broker
from webapp.operations.doctor_fleet import device, helpers, queue, rooms, versions
from webapp.operations.doctor_place import clocks, disk, packages, safety
from webapp.operations.findings import ERROR, OK, WARNING, Check, Finding, look
from webapp.operations.state import applied_migrations, known_migrations

SECONDS = 20.0
"""Doctor never takes much longer than this."""
WORKER_SECONDS = 5.0
"""How long a worker may take to answer a task that does nothing."""
_OLDEST = 140000
_DATABASE_FIRST = "Not looked at: the database does not answer."
_BROKER_FIRST = "Not looked at: the broker does not answer."


def examine(seconds: float = SECONDS, worker_seconds: float = WORKER_SECONDS) -> list[Finding]:
    """All findings, in an order in which people mend: what others need comes first.

    Args:
        seconds: for all checks together.
        worker_seconds: for the answer of a worker.
    """
    begin = time.monotonic()
    alone: dict[str, Check] = {"database": database, "broker": message_broker, "storage": storage, "disk": disk}
    first = look({**alone, "packages": packages, "settings": safety}, seconds / 2)
    down = {finding.part for finding in first if finding.level == ERROR}
    rest: dict[str, Check] = {"migrations": migrations}
    rest |= {f"worker {name}": partial(queue, name, worker_seconds) for name in broker.queue_names()}
    rest |= {"beat and reaper": helpers, "device": device, "versions": versions, "clocks": clocks, "disks of workers": rooms}
    left = max(1.0, seconds - (time.monotonic() - begin))
    if "database" in down:
        return [*first, *(Finding(part, WARNING, _DATABASE_FIRST, "Mend the database first.") for part in rest)]
    without = [part for part in rest if part.startswith("worker ")] if "broker" in down else []
    unseen = [Finding(part, WARNING, _BROKER_FIRST, "Mend the broker first.") for part in without]
    return [*first, *unseen, *look({part: check for part, check in rest.items() if part not in without}, left)]


def database() -> Iterator[Finding]:
    """Can it be reached, and is it new enough?"""
    values = connection.settings_dict
    where = f"{values['NAME']} at {values['HOST'] or 'this machine'}"
    try:
        connection.ensure_connection()
        number = int(connection.pg_version)  # type: ignore[attr-defined]
    except DatabaseError as error:
        said = str(error).strip().splitlines()[-1:]
        hint = "Start PostgreSQL, or correct DATABASE_URL (host, port, name, password)."
        yield Finding("database", ERROR, f"{where} does not answer: {''.join(said)}", hint)
        return
    words = f"PostgreSQL {number // 10_000}.{number % 10_000}, {where}"
    if number < _OLDEST:
        yield Finding("database", ERROR, f"{words}, is too old.", "Use PostgreSQL 14 or newer.")
    else:
        yield Finding("database", OK, f"{words}, answers.")


def message_broker() -> Iterator[Finding]:
    """Does Redis (or RabbitMQ) take a connection?"""
    where = broker.producer().connection_for_write().as_uri()
    if broker.answers():
        yield Finding("broker", OK, f"{where} answers.")
    else:
        hint = "Start Redis, or correct BROKER_URL. Pages go on meanwhile, and what is launched waits."
        yield Finding("broker", ERROR, f"{where} does not answer.", hint)


def storage() -> Iterator[Finding]:
    """Write an object, read it, delete it."""
    content = uuid.uuid4().hex.encode()
    done = "written"
    try:
        name = default_storage.save(f"doctor/{uuid.uuid4().hex}", ContentFile(content))
        done = "read"
        with default_storage.open(name) as file:
            same = file.read() == content
        done = "deleted"
        default_storage.delete(name)
        gone = not default_storage.exists(name)
    except Exception as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        hint = "Look at STORAGE_URL, at the rights of this user, at the keys of the object store, and at the disk."
        yield Finding("storage", ERROR, f"An object could not be {done}: {said}", hint)
        return
    if same and gone:
        yield Finding("storage", OK, "An object was written, read and deleted.")
    else:
        what = "is still there after it was deleted" if same else "came back with other content"
        yield Finding("storage", ERROR, f"An object {what}.", "The store does not keep what it says: use another one.")


def migrations() -> Iterator[Finding]:
    """Is the database as new as this software, and not newer?"""
    plan = MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
    unknown = sorted(set(applied_migrations()) - known_migrations())
    if plan:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in plan[:3])
        yield Finding("migrations", ERROR, f"{len(plan)} are missing: {names}.", "Run: python manage.py migrate")
    if unknown:
        words = f"The database is newer than this software: {', '.join(unknown[:3])}."
        yield Finding("migrations", ERROR, words, "Bring the release that made them to this machine.")
    if not plan and not unknown:
        yield Finding("migrations", OK, "All are applied.")
