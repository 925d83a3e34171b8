"""What is printed, warned of or not caught goes into the log too where each of its lines is a JSON object."""

import logging
import sys
import threading
from types import TracebackType
from typing import IO

from webapp.logs.formatting import log_form

_busy = threading.local()


class LoggedLines:
    """Stands for standard output or error: whole lines become records of ``logger``.

    Args:
        instead: the stream that it stands for; what is written while a record is written goes there, or it would never end.
    """

    encoding = "utf-8"
    errors = "backslashreplace"
    closed = False

    def __init__(self, logger: str, level: int, instead: IO[str]) -> None:
        self._logger, self._level, self._instead = logging.getLogger(logger), level, instead
        self._rest = ""
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        """Log the lines that ``text`` completes."""
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
            for line in lines:
                self._log(line)
        return len(text)

    def flush(self) -> None:
        """Log what has no line break yet."""
        with self._lock:
            rest, self._rest = self._rest, ""
            self._log(rest)

    def fileno(self) -> int:
        """That of the stream itself: other programs write there."""
        return self._instead.fileno()

    def isatty(self) -> bool:
        """Nobody sits there."""
        return False

    def writable(self) -> bool:
        """It is there to be written to."""
        return True

    def readable(self) -> bool:
        """Nothing can be read."""
        return False

    def _log(self, line: str) -> None:
        # Progress bars write over a line.
        shown = line.rstrip("\r").rpartition("\r")[2].rstrip()
        if not shown:
            return
        if getattr(_busy, "now", False):
            self._instead.write(f"{shown}\n")
            return
        _busy.now = True
        try:
            self._logger.log(self._level, "%s", shown)
        finally:
            _busy.now = False


def log_what_is_printed() -> None:
    """From now on print, warnings and exceptions that nobody catches write lines of the log. Only where LOG_FORMAT is json.

    What a library in C writes by itself to the standard error goes past it.
    """
    if log_form() != "json" or isinstance(sys.stderr, LoggedLines):
        return
    sys.stdout, sys.stderr = (
        LoggedLines("stdout", logging.INFO, sys.stdout),
        LoggedLines("stderr", logging.WARNING, sys.stderr),
    )
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda given: _uncaught(given.exc_type, given.exc_value, given.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is None or issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    logging.getLogger("uncaught").critical("%s: %s", kind.__name__, error, exc_info=(kind, error, trace))
