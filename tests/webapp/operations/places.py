"""A second lab to restore into: a database of its own beside the session's, a storage folder of its own, and processes there."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.db import connection
from psycopg import sql
from psycopg.conninfo import make_conninfo

ROOT = Path(__file__).resolve().parents[3]
_ROWS = "select count(*), coalesce(md5(string_agg(row::text, '|' order by row::text)), '') from public.{} row"


@dataclass(frozen=True)
class Place:
    """A database and a storage folder, of which ``database`` is the name and ``storage`` the path."""

    database: str
    storage: Path

    @property
    def url(self) -> str:
        """Its DATABASE_URL."""
        values = connection.settings_dict
        return f"postgresql://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{self.database}"

    def python(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run Python in the checkout, with this place's addresses."""
        addresses = {
            "DATABASE_URL": self.url,
            "STORAGE_URL": f"file://{self.storage}",
            "DJANGO_SETTINGS_MODULE": "webapp.settings",
        }
        return subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, **addresses, **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )

    def manage(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run manage.py."""
        return self.python("manage.py", *arguments, **environment)

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection to its database."""
        values = connection.settings_dict
        where = make_conninfo(host=values["HOST"], port=values["PORT"], user=values["USER"], password=values["PASSWORD"])
        return psycopg.connect(where, dbname=self.database, autocommit=True)

    def rows(self) -> dict[str, tuple[object, ...] | None]:
        """Of each table: how many rows, and a hash over all that they hold."""
        with self.connect() as server:
            tables = [str(row[0]) for row in server.execute("select tablename from pg_tables where schemaname = 'public'")]
            return {name: server.execute(sql.SQL(_ROWS).format(sql.Identifier(name))).fetchone() for name in tables}


def this_place(storage: Path) -> Place:
    """Where the test itself works."""
    return Place(str(connection.settings_dict["NAME"]), storage)


def files(folder: Path) -> dict[str, bytes]:
    """What a folder holds, by relative name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
