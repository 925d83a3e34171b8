"""How a child process stays tied to the worker that started it, and hears SIGTERM whatever it is doing."""

import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

STOPPED_EXIT = 75
"""Exit code of a child that its service stopped before it could give its row back."""
GONE_EXIT = 76
"""Exit code of a child that lost its attempt, or could not beat."""
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def die_with(parent: int) -> None:
    """Let the kernel send SIGTERM to this process when its parent dies; exit now if process ``parent`` is dead already.

    SIGTERM and not SIGKILL: an orphan may still reach a checkpoint, and its fenced writes harm nobody. Elsewhere than
    on Linux an orphan works on, which is harmless too: it beats, so nobody takes it for lost.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(STOPPED_EXIT)


def on_terminate(action: Callable[[], None]) -> None:
    """Call ``action`` once SIGTERM arrives, from a thread of its own.

    Python runs signal handlers in the main thread, which may be inside a long computation; the wake-up file
    descriptor is written by the C handler at once.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)

    def listen() -> None:
        with reader, writer:
            while received := reader.recv(1):
                if received[0] == signal.SIGTERM:
                    action()

    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=listen, name="signals", daemon=True).start()
