"""The events of a run as a TensorBoard event file, while it goes on."""

import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from engine.events import Event, MetricEvent, ResultEvent
from engine.neighbours import tensorboard


class TensorBoardReport:
    """Appends to a file of its own below ``folder/name``, which TensorBoard shows as the run ``name``; each event at once.

    A run that goes on gets one more file there, and from its first step on it counts in place of what was told before.

    Args:
        spec: the run's, as JSON has it.
    """

    def __init__(self, folder: Path, name: str, spec: dict[str, Any]) -> None:
        self.folder, self.name, self.spec = folder / name, name, spec
        self._file: IO[bytes] | None = None
        self._step = 0

    def __enter__(self) -> "TensorBoardReport":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # Without an end, whatever happened: the run may go on, and of two ends TensorBoard would keep the first.
        if self._file is not None:
            self._file.close()

    def __call__(self, event: Event) -> None:
        """Write what one event says."""
        now = time.time()
        if isinstance(event, MetricEvent):
            file = self._file or self._begin(event.step, now)
            self._step = event.step
            file.write(tensorboard.scalars(event.values, event.step, now, event.split))
        elif isinstance(event, ResultEvent):
            file = self._file or self._begin(0, now)
            told = tensorboard.outcome(event.result.valid, event.result.test, self._step, now)
            file.write(told + tensorboard.end("success", now))

    def _begin(self, step: int, now: float) -> IO[bytes]:
        """Only with the first number: a run that is refused leaves nothing here."""
        self.folder.mkdir(parents=True, exist_ok=True)
        count = len(list(self.folder.glob("*tfevents*")))
        file = (self.folder / tensorboard.file_name(now, f"{self.name}.{count}")).open("xb", buffering=0)
        file.write(tensorboard.head(now) + tensorboard.description(self.spec, self.name, now) + tensorboard.restart(step, now))
        self._file = file
        return file
