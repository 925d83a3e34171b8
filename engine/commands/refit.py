"""``refit``: a finished run's choices, trained on all interactions."""

import argparse
from pathlib import Path
from typing import Any

from engine.commands.fit import stop_on_signal
from engine.commands.folders import fresh_folder
from engine.commands.progress import TerminalReport
from engine.data.version import read_version
from engine.errors import RunCancelled


def refit_command(options: argparse.Namespace) -> dict[str, Any]:
    """Refit; returns the result, without metrics, with the refit's folder as ``run``."""
    source: Path = options.run
    folder: Path = options.out or fresh_folder(f"{source.name}-refit")
    from engine.recommend import version_of  # torch, only when it is needed
    from engine.refit import refit

    version = read_version(options.data) if options.data is not None else version_of(source)
    with TerminalReport() as report, stop_on_signal() as should_stop:
        try:
            result = refit(source, version, folder, report, should_stop=should_stop)
        except RunCancelled as stopped:
            raise RunCancelled(hint=f"Go on with the same command and --out {folder}.") from stopped
    return {**result.model_dump(mode="json", exclude={"samples"}), "run": str(folder)}
