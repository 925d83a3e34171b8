"""The heartbeat of a child, and the rules by which it stops itself."""

import enum
import faulthandler
import logging
import os
import sys
import threading
import time
from typing import TextIO

from django.db import connection

from workers.attempts import Attempt, Pulse
from workers.database import DATABASE_DOWN
from workers.leash import GONE_EXIT, STOPPED_EXIT
from workers.timings import Timings

_log = logging.getLogger(__name__)
_TICK = 0.1


def _standard_error() -> TextIO:
    return sys.__stderr__ or sys.stderr


class Stop(enum.Enum):
    """Why a job should end: it is cancelled or out of time, its service stops, its attempt is lost, or it cannot beat."""

    CANCEL = "cancel"
    SPENT = "spent"
    SERVICE = "service"
    GONE = "gone"
    SILENT = "silent"


class Lifeline:
    """Beats for an attempt from a thread of its own, and ends this process when it must not go on.

    An attempt that is lost ends the process at once, without a checkpoint: the next attempt may write to the same folder.
    A job that cannot beat is first asked to stop, and ended before the reaper would start another one; even where
    a library holds Python's lock, so that none of these threads runs.

    Args:
        attempt: what is being worked on.
        stop_grace: seconds from SIGTERM until the process ends by force; None takes ``timings.stop_grace``.
    """

    def __init__(self, attempt: Attempt, timings: Timings, stop_grace: float | None = None) -> None:
        self.reason: Stop | None = None
        self._attempt = attempt
        self._timings = timings
        self._stop_grace = timings.stop_grace if stop_grace is None else stop_grace
        self._last_beat = time.monotonic()
        self._deadline: float | None = None
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._beat, name="heartbeat", daemon=True),
            threading.Thread(target=self._watch, name="watch", daemon=True),
        ]

    def start(self) -> None:
        """Begin to beat."""
        for thread in self._threads:
            thread.start()

    def should_stop(self) -> bool:
        """Whether the job should end at its next checkpoint; ``reason`` says why."""
        return self.reason is not None

    def stop_service(self) -> None:
        """The service stops (SIGTERM): ask the job to end, and end the process if that takes too long."""
        self._stop(Stop.SERVICE, time.monotonic() + self._stop_grace)

    def close(self) -> None:
        """Beat no more; call it before the final state is written, after which the attempt is gone."""
        self._closing.set()
        for thread in self._threads:
            thread.join()
        faulthandler.cancel_dump_traceback_later()

    def _stop(self, reason: Stop, deadline: float | None) -> None:
        if self.reason is None:
            _log.info("%s is asked to stop: %s", self._attempt, reason.value)
            self.reason = reason
        if deadline is not None:
            self._deadline = deadline if self._deadline is None else min(self._deadline, deadline)

    def _beat(self) -> None:
        try:
            while not self._closing.is_set():
                # A timer in C that needs no Python to run, and is set anew by each beat.
                faulthandler.dump_traceback_later(self._timings.silence, exit=True, file=_standard_error())
                self._beat_once()
                self._closing.wait(self._timings.beat)
        finally:
            connection.close()

    def _beat_once(self) -> None:
        # The clock of silence starts when the beat was sent: the database may have taken it that early.
        sent = time.monotonic()
        try:
            pulse = self._attempt.beat()
        except DATABASE_DOWN as error:
            _log.warning("cannot beat: %s", str(error).strip())
            connection.close()
            return
        self._last_beat = sent
        if pulse is Pulse.CANCEL:
            self._stop(Stop.CANCEL, None)
        elif pulse is Pulse.SPENT:
            self._stop(Stop.SPENT, None)
        elif pulse is Pulse.GONE:
            self._stop(Stop.GONE, sent)

    def _watch(self) -> None:
        while not self._closing.wait(_TICK):
            now = time.monotonic()
            if now - self._last_beat > self._timings.give_up:
                self._stop(Stop.SILENT, self._last_beat + self._timings.silence)
            if self._deadline is not None and now >= self._deadline:
                self._exit()

    def _exit(self) -> None:
        code = STOPPED_EXIT if self.reason is Stop.SERVICE else GONE_EXIT
        _log.error("%s ends by force: %s", self._attempt, self.reason.value if self.reason else "")
        os._exit(code)
