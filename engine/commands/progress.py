"""Events as progress bars and lines on stderr."""

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from engine.commands.terminal import literal
from engine.events import Event, LogEvent, MetricEvent, ProgressEvent, WarningEvent
from engine.plain_text import one_line


class TerminalReport:
    """Shows events: one bar for the whole run, a line for each evaluation. Without a terminal only the lines are written."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())
        self.bar = Progress(
            TextColumn("{task.description:<28}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task: TaskID | None = None
        self.loss: float | None = None

    def __enter__(self) -> "TerminalReport":
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.bar.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, ProgressEvent):
            self._move(event)
        elif isinstance(event, MetricEvent):
            self._measure(event)
        elif isinstance(event, WarningEvent):
            self._line(f"note: {event.message} {event.hint}".rstrip())
        elif isinstance(event, LogEvent):
            self._line(event.message)

    def _move(self, event: ProgressEvent) -> None:
        if self.task is None:
            self.task = self.bar.add_task("", total=1.0, note="")
        parts = []
        if event.targets_per_second:
            parts.append(f"{event.targets_per_second:,.0f} targets/s")
        if event.eta_seconds is not None:
            parts.append(f"at most {_duration(event.eta_seconds)} left")
        self.bar.update(self.task, completed=event.fraction, description=one_line(event.phase), note=" · ".join(parts))

    def _measure(self, event: MetricEvent) -> None:
        if event.split == "train":
            self.loss = event.values.get("loss")
            return
        loss = f"loss {self.loss:.4f}  " if self.loss is not None else ""
        values = "  ".join(f"{name} {event.values[name]:.4f}" for name in ("hr@10", "ndcg@10") if name in event.values)
        self._line(f"epoch {event.epoch:>3}  {loss}valid {values}")

    def _line(self, text: str) -> None:
        self.console.print(literal(text))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
