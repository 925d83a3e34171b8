"""The state folder: lock, secret key, logs, data of the embedded services."""

import fcntl
import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from deploy.local.errors import SetupError
from deploy.local.files import write_secret

ROOT = Path(__file__).resolve().parent.parent.parent
LOG_BYTES = 10_000_000


@dataclass(frozen=True)
class Home:
    """Paths of the state folder: DARECLAB_HOME, else ``.local`` in the checkout."""

    folder: Path

    @classmethod
    def of_environment(cls) -> "Home":
        """The state folder that the environment names."""
        return cls(Path(os.environ.get("DARECLAB_HOME") or ROOT / ".local").expanduser().resolve())

    def make(self) -> None:
        """Make the folder; raises SetupError where that is not allowed."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o755)
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            raise SetupError(
                f"The state folder {self.folder} cannot be made: {error.strerror}.",
                "Set DARECLAB_HOME to a folder that you can write to.",
            ) from error

    @property
    def logs(self) -> Path:
        """Folder of the log files."""
        return self.folder / "logs"

    def log(self, service: str) -> Path:
        """The log file of a service; one that has grown large is put aside."""
        path = self.logs / f"{service}.log"
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path

    def secret_key(self) -> str:
        """Django's secret key, made at the first call and kept."""
        path = self.folder / "secret_key"
        if not path.exists():
            write_secret(path, secrets.token_urlsafe(50))
        return path.read_text(encoding="utf-8")

    def publish(self, state: dict[str, Any]) -> None:
        """Tell other processes what runs, and where."""
        write_secret(self.folder / "services.json", json.dumps(state, indent=1))

    def unpublish(self) -> None:
        """Forget what ran."""
        (self.folder / "services.json").unlink(missing_ok=True)


class Lock:
    """The right to run the services of one state folder.

    The leashes of all services inherit the open file, so that the lock is free only when the last of them is gone,
    even if the supervisor was killed.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.path = home.folder / "lock"
        self.descriptor = -1

    def take(self, seconds: float = 30.0) -> None:
        """Take it. Raises SetupError if a supervisor runs, or the services of one that was killed do not end in time."""
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        deadline = time.monotonic() + seconds
        while not self._try():
            self.refuse_second()
            if time.monotonic() > deadline:
                raise SetupError(
                    f"Services of an earlier start still hold {self.path}.",
                    "Wait for their end, or stop them by their process id.",
                )
            time.sleep(0.05)
        me = psutil.Process()
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, json.dumps({"pid": me.pid, "created": me.create_time()}).encode(), 0)

    def refuse_second(self) -> None:
        """Raise SetupError if a supervisor runs."""
        pid = self.holder()
        if pid is not None:
            published = self.published()
            where = f" at {published['address']}" if published and published["address"] else ""
            raise SetupError(
                f"DARec Lab runs already (process {pid}){where}.", "Use that one, or stop it: python -m deploy.local stop"
            )

    def release(self) -> None:
        """Give it back."""
        if self.descriptor >= 0:
            os.ftruncate(self.descriptor, 0)
            os.close(self.descriptor)
            self.descriptor = -1

    def holder(self) -> int | None:
        """Process id of the running supervisor; None if none runs."""
        try:
            owner = json.loads(self.path.read_text(encoding="utf-8"))
            process = psutil.Process(owner["pid"])
            alive = process.create_time() == owner["created"] and process.status() != psutil.STATUS_ZOMBIE
        except (FileNotFoundError, json.JSONDecodeError, psutil.NoSuchProcess):
            return None
        return process.pid if alive else None

    def published(self) -> dict[str, Any] | None:
        """What the running supervisor told last; None before it told anything. What a dead one told does not count."""
        try:
            told = dict(json.loads((self.home.folder / "services.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        return told if told["supervisor"] == self.holder() else None

    def held(self) -> bool:
        """Whether anybody holds it: a supervisor, or services that outlived one."""
        if not self.path.exists():
            return False
        with self.path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _try(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
