"""``study``: variants x seeds on one version, one table."""

import argparse
from pathlib import Path
from typing import Any

from engine.commands.fit import open_version, stop_on_signal
from engine.commands.folders import data_path, fresh_folder
from engine.commands.progress import TerminalReport
from engine.errors import EngineError, RunCancelled, UserError
from engine.spec import parse_assignment
from engine.study.file import read_study
from engine.study.show import markdown, print_table
from engine.study.table import StudyTable, study_table
from engine.study.variant import Study


def study_command(options: argparse.Namespace) -> dict[str, Any]:
    """Run the study of a file; returns its table with the folder as ``study``."""
    if options.spec is None:
        raise UserError("--spec is missing.", "Name a YAML file with variants and seeds.")
    settings = dict(parse_assignment(text) for text in options.set)
    return run_study(read_study(options.spec, settings), settings, options, options.spec.stem)


def run_study(study: Study, settings: dict[str, Any], options: argparse.Namespace, name: str) -> dict[str, Any]:
    """Run ``study`` with the command's --data, --out and --jobs; writes ``table.json`` and ``table.md``.

    Raises:
        EngineError: a run failed; all others are finished and the table is written.
    """
    if options.jobs < 1:
        raise UserError(f"--jobs {options.jobs}: must be 1 or more.")
    source = data_path(options)
    out: Path = options.out or fresh_folder(name)
    with TerminalReport() as report:
        version = open_version(source, study.base.spec, out, settings, report)
        from engine.study.execute import execute  # torch, only now that all else is known to be right

        with stop_on_signal() as should_stop:
            try:
                failures = execute(study, version, out, report, jobs=options.jobs, should_stop=should_stop)
            except RunCancelled as stopped:
                _write(study, out)
                raise RunCancelled(hint=f"Go on with the same command and --out {out}.") from stopped
    table = _write(study, out)
    print_table(table)
    if failures:
        lines = "; ".join(f"{failure.label}, seed {failure.seed}: {failure.message}" for failure in failures)
        raise EngineError(f"{len(failures)} of {len(study.runs())} runs failed: {lines}", f"The others are in {out}/table.md.")
    return {"study": str(out), **table.model_dump(mode="json")}


def _write(study: Study, out: Path) -> StudyTable:
    table = study_table(study, out)
    (out / "table.json").write_text(table.model_dump_json(indent=1), encoding="utf-8")
    (out / "table.md").write_text(markdown(table), encoding="utf-8")
    return table
