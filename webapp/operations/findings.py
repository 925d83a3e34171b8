"""What doctor finds: a line each, with what to do; and checks that never take longer than they may."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.db import connection

from webapp.display import size

OK, WARNING, ERROR = "ok", "warning", "error"
_FULL, _NEARLY = 2**30, 10 * 2**30


@dataclass(frozen=True)
class Finding:
    """One line.

    Attributes:
        part: what was looked at: database, worker gpu.
        level: ok, warning (it works, but not for long or not for everybody) or error (something does not work).
        message: what was found.
        hint: what to do; empty where all is well.
    """

    part: str
    level: str
    message: str
    hint: str = ""


Check = Callable[[], Iterable[Finding]]


@dataclass
class _Look:
    part: str
    check: Check
    found: list[Finding] = field(default_factory=list)
    thread: threading.Thread | None = None


def look(checks: dict[str, Check], seconds: float) -> list[Finding]:
    """Make all checks side by side; one that has not ended after ``seconds`` is an error, and is not waited for.

    So is one that raises: doctor must say what it can of a lab in any state.
    """
    looks = [_Look(part, check) for part, check in checks.items()]
    for each in looks:
        # A daemon: what hangs in a driver must not keep the program from ending.
        each.thread = threading.Thread(target=_run, args=(each,), name=f"doctor {each.part}", daemon=True)
        each.thread.start()
    waited = threading.Event()
    timer = threading.Timer(seconds, waited.set)
    timer.daemon = True
    timer.start()
    for each in looks:
        while each.thread is not None and each.thread.is_alive() and not waited.is_set():
            each.thread.join(0.05)
    timer.cancel()
    return [finding for each in looks for finding in _findings(each, seconds)]


def _run(each: _Look) -> None:
    try:
        each.found = list(each.check())
    except Exception as error:
        said = str(error).strip().splitlines()
        message = f"{type(error).__name__}: {said[0] if said else 'no words'}"
        each.found = [Finding(each.part, ERROR, message, "Look at the database and the broker first; then at the log.")]
    finally:
        connection.close()


def _findings(each: _Look, seconds: float) -> list[Finding]:
    if each.thread is not None and each.thread.is_alive():
        hint = "It hangs: look at the network, at firewalls and at the load of that machine."
        return [Finding(each.part, ERROR, f"No answer within {seconds:g} seconds.", hint)]
    return each.found


def room(name: str, free: int, total: int) -> Finding:
    """What to think of ``free`` bytes of ``total``."""
    words = f"{size(free)} of {size(total)} are free for {name}."
    hint = "Delete old runs and versions, or enlarge the disk: what is being written fails when it is full."
    if free < min(_FULL, total // 10):
        return Finding("disk", ERROR, words, hint)
    if free < min(_NEARLY, total // 5):
        return Finding("disk", WARNING, words, hint)
    return Finding("disk", OK, words)
