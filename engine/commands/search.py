"""``search``: which layers want which adapters, and was it worth looking?"""

import argparse
from pathlib import Path
from typing import Any

from engine.commands.fit import open_version, read_settings, stop_on_signal
from engine.commands.folders import data_path, fresh_folder
from engine.commands.progress import TerminalReport
from engine.errors import RunCancelled, UserError
from engine.search.plan import SearchPlan
from engine.search.presets import search_presets
from engine.search.show import print_answer
from engine.spec import override, parse_assignment, validate


def search_command(options: argparse.Namespace) -> dict[str, Any]:
    """Search, retrain the winner and its rival, compare; returns the answer with the folder as ``search``."""
    settings = dict(parse_assignment(text) for text in options.set)
    plan = read_plan(options.preset, options.spec, settings)
    if options.jobs < 1:
        raise UserError(f"--jobs {options.jobs}: must be 1 or more.")
    source = data_path(options)
    folder: Path = options.out or fresh_folder(options.preset or options.spec.stem)
    filters = {path.removeprefix("run."): value for path, value in settings.items()}
    with TerminalReport() as report:
        version = open_version(source, plan.run, folder, filters, report)
        from engine.search.session import run_search  # torch, only now that all else is known to be right

        with stop_on_signal() as should_stop:
            try:
                answer = run_search(plan, version, folder, report, jobs=options.jobs, should_stop=should_stop)
            except RunCancelled as stopped:
                raise RunCancelled(hint=f"Go on with the same command and --out {folder}.") from stopped
    print_answer(answer)
    return {**answer, "search": str(folder)}


def read_plan(preset: str | None, path: Path | None, settings: dict[str, Any]) -> SearchPlan:
    """The plan of a preset or a file, with ``settings`` on top."""
    if (preset is None) == (path is None):
        raise UserError("Give either --preset NAME or --spec FILE.", f"Presets: {', '.join(search_presets().names())}.")
    if preset is not None:
        return search_presets().get(preset).plan(settings)
    assert path is not None  # noqa: S101 - one of the two is given
    return validate(SearchPlan, override(read_settings(path), settings))
