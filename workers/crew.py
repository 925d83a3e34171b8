"""The child processes of a worker: one at a time, fresh for each piece of work, or kept warm for the next of the same sort."""

import contextlib
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import IO

from webapp.logs.about import known_ids
from workers.timings import Timings

_log = logging.getLogger(__name__)
CHILD = (sys.executable, "-m", "workers.child")


@dataclass(frozen=True)
class Order:
    """What a child is to do, to the row with primary key ``row``.

    ``kind`` is run, ingest, derive, question, compare, compare-runs, search, ask or lists.

    Attributes:
        attempt: the fencing number, of a run, a version, lists or what is made of a version.
        scratch: an empty folder for its files.
        key: where a version, or an archive of one, is to be published.
        more: whether it may be asked to do another thing after this one.
        about: ids for its log: the task, the request.
    """

    kind: str
    row: int
    scratch: str
    attempt: int = 0
    key: str = ""
    more: bool = False
    about: dict[str, str | int] = field(default_factory=dict, hash=False)


def work(order: Order, timings: Timings, must_die: Callable[[], bool], keep: str = "") -> int:
    """Have ``order`` done, in a process group of its own. Returns 0 or the child's exit code, negative for a signal.

    Args:
        must_die: asked every ``timings.look`` seconds; once it says so, the child is killed.
        keep: a name for work that may share a process, one piece after the other: what the last one loaded is still there.
            Empty: a fresh process that ends with this piece.
    """
    # Models can be imported once Django is set up, which a child that reads its orders by this file does later.
    from workers.presence.jobs import announced

    with _CREW.borrowed(keep, timings) as child, announced(order.kind, order.row, order.attempt, child.pid):
        child.give(replace(order, more=bool(keep), about=known_ids()))
        try:
            return child.wait(timings.look, must_die)
        finally:
            if not child.waits:
                child.end(timings.stop_grace + 1)


class _Child:
    """A process that takes orders on its standard input, and answers each by a line if it can take another."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [*CHILD, "--parent", str(os.getpid())], start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.waits = True

    @property
    def pid(self) -> int:
        """Its process id, and that of its group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def _orders(self) -> IO[bytes]:
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        return self._process.stdin

    @property
    def _replies(self) -> IO[bytes]:
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        return self._process.stdout

    def give(self, order: Order) -> None:
        """Tell it what to do."""
        self.waits = False
        # It may have died since it was looked at: the end of its replies tells.
        with contextlib.suppress(BrokenPipeError):
            self._orders.write(json.dumps(asdict(order)).encode() + b"\n")
            self._orders.flush()

    def wait(self, look: float, must_die: Callable[[], bool]) -> int:
        """Wait until it has done its order or is dead; see ``work``."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._replies, selectors.EVENT_READ)
            while not selector.select(look):
                if must_die():
                    _log.warning("process %d does not end, killing it", self._process.pid)
                    _kill_group(self._process.pid)
        if self._replies.readline():
            self.waits = True
            return 0
        return self._process.wait()

    def end(self, grace: float) -> None:
        """See to it that nothing of it is left; one that works has ``grace`` seconds to reach a checkpoint."""
        with contextlib.suppress(BrokenPipeError):
            self._orders.close()
        if self.alive:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        # Whatever it started must not outlive it.
        _kill_group(self._process.pid)
        self._process.wait()
        self._replies.close()


class _Crew:
    """Keeps at most one child that waits for work, for ``Timings.warm`` seconds: an idle one holds memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[str, _Child, threading.Timer] | None = None

    @contextlib.contextmanager
    def borrowed(self, name: str, timings: Timings) -> Iterator[_Child]:
        """A child for ``name``; kept afterwards if it waits for more."""
        child = self._take(name)
        yield child
        if not child.waits:
            return
        timer = threading.Timer(timings.warm, self._dismiss, (child,))
        timer.daemon = True
        with self._lock:
            self._kept = (name, child, timer)
        timer.start()

    def _take(self, name: str) -> _Child:
        with self._lock:
            kept, self._kept = self._kept, None
        if kept is not None:
            known, child, timer = kept
            # Otherwise the end of this wait would cut the next one short.
            timer.cancel()
            if known == name and child.alive:
                return child
            child.end(0)
        return _Child()

    def _dismiss(self, child: _Child) -> None:
        with self._lock:
            if self._kept is None or self._kept[1] is not child:
                return
            self._kept = None
        child.end(0)


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


_CREW = _Crew()
