"""``fit``: one run on raw data or a version."""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from engine.commands.folders import data_path, fresh_folder
from engine.commands.progress import TerminalReport
from engine.commands.settings_table import print_settings
from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.version import Version, is_version, read_version
from engine.errors import RunCancelled, UserError
from engine.events import Event, Report, WarningEvent
from engine.plain_yaml import read_yaml
from engine.presets import get_preset, presets
from engine.spec import RunSpec, override, parse_assignment, parse_spec

if TYPE_CHECKING:
    from engine.training.parallel import Group


def fit_command(options: argparse.Namespace) -> dict[str, Any]:
    """Train and evaluate; returns the result (samples apart, they are in result.json) with the run's folder as ``run``."""
    settings = dict(parse_assignment(text) for text in options.set)
    spec = read_spec(options.preset, options.spec, settings)
    if options.list:
        print_settings(spec)
        return {"preset": spec.preset, "spec": spec.model_dump(mode="json")}
    source = data_path(options)
    folder: Path = options.out or fresh_folder(spec.preset or spec.method.id)
    with TerminalReport() as report:
        version = open_version(source, spec, folder, settings, report)
        from engine.run import run  # torch, only now that all else is known to be right

        with (
            stop_on_signal() as should_stop,
            _together(options.processes, spec, version, folder) as group,
            _board(options.tensorboard, spec, folder) as board,
        ):

            def tell(event: Event) -> None:
                report(event)
                board(event)

            try:
                result = run(spec, version, folder, tell, should_stop=should_stop, group=group)
            except RunCancelled as stopped:
                raise RunCancelled(hint=f"Go on with the same command and --out {folder}.") from stopped
    return {**result.model_dump(mode="json", exclude={"samples"}), "run": str(folder)}


def _board(folder: Path | None, spec: RunSpec, run: Path) -> "AbstractContextManager[Report]":
    if folder is None:
        return nullcontext(lambda event: None)
    from engine.commands.tensorboard import TensorBoardReport

    return TensorBoardReport(folder, run.resolve().name, spec.model_dump(mode="json"))


def _together(count: int, spec: RunSpec, version: Version, folder: Path) -> "AbstractContextManager[Group | None]":
    if count == 1:
        return nullcontext()
    from engine.training.parallel import processes

    return processes(count, spec, version.path, folder)


def read_spec(preset: str | None, path: Path | None, settings: dict[str, Any]) -> RunSpec:
    """The spec of a preset or a file, with ``settings`` on top."""
    if (preset is None) == (path is None):
        names = ", ".join(presets().names())
        raise UserError("Give either --preset NAME or --spec FILE.", f"Presets: {names}.")
    if preset is not None:
        return get_preset(preset).spec(settings)
    assert path is not None  # noqa: S101 - one of the two is given
    return parse_spec(override(read_settings(path), settings))


def read_settings(path: Path) -> dict[str, Any]:
    """The mapping in a YAML or JSON file; raises UserError if it holds none."""
    try:
        values = read_yaml(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"--spec {path}: cannot be read ({error}).", "It must be a YAML or JSON file.") from error
    if not isinstance(values, dict):
        raise UserError(f"--spec {path}: holds no settings.", "It must be a mapping such as `method: {id: sasrec}`.")
    return values


def open_version(source: Path, spec: RunSpec, folder: Path, settings: dict[str, Any], report: TerminalReport) -> Version:
    """The version at ``source``, or one prepared from raw data there into ``folder/version`` with the spec's filters.

    Raises UserError if ``settings`` name filters for a version, which has its own.
    """
    if is_version(source):
        touched = sorted(name for name in settings if name.startswith("filters"))
        if touched:
            raise UserError(
                f"{touched[0]}: {source} is a version, its filters are fixed.", "Run `prepare` on the raw data again."
            )
        return read_version(source)
    raw = read_raw(source)
    for notice in raw.notices:
        report(WarningEvent(message=notice))
    return prepare(raw, spec.filters, folder / "version")


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C or SIGTERM asks the run to stop at a checkpoint, the second one stops at once."""
    asked: list[int] = []

    def ask(number: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        print("stopping at a checkpoint (once more to stop at once)...", file=sys.stderr)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
