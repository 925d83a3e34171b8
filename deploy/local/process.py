"""One child process on a leash, with its log file."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")


@dataclass
class LeashedProcess:
    """A command that ends with us, whatever happens; see leash.py. Start it from the main thread.

    Attributes:
        command: program and arguments.
        log: file that gets standard output and standard error, appended.
        environment: the whole environment; None takes ours.
        folder: working directory; None takes ours.
        user: name of the user to run as; only root may name one.
        stop_signal: name of the signal that asks the command to stop.
        stop_seconds: after so many seconds it is killed, with all below it.
        keep_open: file descriptors that the leash (not the command) inherits, such as a lock that lives as long as it.
    """

    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    user: str = ""
    stop_signal: str = "SIGTERM"
    stop_seconds: float = 10.0
    keep_open: tuple[int, ...] = ()
    _leash: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)

    def start(self) -> None:
        """Start it; the command's own failures show in ``running`` and in the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        options = ["--parent", str(os.getpid()), "--signal", self.stop_signal, "--limit", str(self.stop_seconds)]
        if self.user:
            options += ["--user", self.user]
        with self.log.open("ab") as log:
            self._leash = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LEASH), *options, "--", *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=dict(self.environment) if self.environment is not None else None,
                start_new_session=True,
                pass_fds=self.keep_open,
            )

    @property
    def pid(self) -> int | None:
        """Process id of the leash."""
        return self._leash.pid if self._leash else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._leash is not None and self._leash.poll() is None

    @property
    def status(self) -> int | None:
        """Exit status, 128 + signal for one that was killed; None before its end."""
        if self._leash is None:
            return None
        code = self._leash.poll()
        return code if code is None or code >= 0 else 128 - code

    def ask_to_stop(self) -> None:
        """Ask it to stop, without waiting."""
        if self._leash is not None and self.running:
            self._leash.terminate()

    def stop(self) -> None:
        """Ask it to stop, wait for its end, kill it after ``stop_seconds``. Nothing happens if it has ended."""
        if self._leash is None:
            return
        self.ask_to_stop()
        try:
            self._leash.wait(self.stop_seconds + 6)
        except subprocess.TimeoutExpired:
            self._leash.kill()
            self._leash.wait()

    def wait(self, seconds: float) -> bool:
        """Wait for its end, at most so long; whether it has ended."""
        deadline = time.monotonic() + seconds
        while self.running and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self.running
