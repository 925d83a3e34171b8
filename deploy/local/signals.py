"""Ctrl-C, SIGTERM and a closed terminal, as one exception that comes once."""

import signal
from types import FrameType


class StopRequested(BaseException):
    """Somebody asked this process to stop."""


class StopSignals:
    """Raises StopRequested in the main thread at the first signal; later ones do not disturb the stopping."""

    def __init__(self) -> None:
        self.stopping = False

    def listen(self) -> None:
        """From now on.

        ``nohup`` stays in force. SIGINT counts even where a shell that started us in the background had it ignored.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if not self.stopping:
            self.stopping = True
            raise StopRequested
