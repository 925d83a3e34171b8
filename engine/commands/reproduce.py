"""``reproduce``: do the numbers of a run come out again?"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.cache import CACHE
from engine.commands.fit import open_version, stop_on_signal
from engine.commands.folders import data_path, fresh_folder
from engine.commands.progress import TerminalReport
from engine.commands.terminal import tell
from engine.errors import RunCancelled, UserError
from engine.reproduce.bundle import read_bundle
from engine.reproduce.verdict import verdict
from engine.spec import parse_spec


def reproduce_command(options: argparse.Namespace) -> dict[str, Any]:
    """Check the data, train (or evaluate) again and compare; returns the verdict with the folder as ``run``.

    ``agrees`` is False where the numbers differ by more than they may.

    Raises:
        UserError: it is no bundle, the data are others, or there is no run to evaluate.
    """
    if not options.tolerance >= 0:
        raise UserError(f"--tolerance {options.tolerance}: must be 0 or more.", "Write a share, e.g. --tolerance 0.05.")
    bundle = read_bundle(options.bundle)
    source, spec = data_path(options), parse_spec(bundle.spec)
    if options.quick and options.out is not None:
        raise UserError("--out is for training again; --quick trains nothing.", "Leave one of them.")
    with tempfile.TemporaryDirectory(prefix="reproduce-") as scratch, TerminalReport() as report:
        folder: Path = (options.run or options.bundle.parent) if options.quick else (options.out or fresh_folder("reproduce"))
        version = open_version(source, spec, Path(scratch) if options.quick else folder, {}, report)
        from engine.reproduce.again import evaluate_again, reasons, require_data, train_again  # torch, only now

        require_data(bundle, version)
        why = reasons(bundle, trained=not options.quick)
        if options.quick:
            now = evaluate_again(bundle, version, folder)
        else:
            with _empty_cache(Path(scratch)), stop_on_signal() as should_stop:
                try:
                    now = train_again(bundle, version, folder, report, should_stop)
                except RunCancelled as stopped:
                    raise RunCancelled(hint=f"Go on with the same command and --out {folder}.") from stopped
    answer = verdict(bundle.numbers, now, why, options.tolerance)
    for reason in answer.why:
        tell(f"note: equal bits cannot be asked for: {reason}")
    tell(answer.sentence)
    return {**answer.model_dump(mode="json"), "data": version.hash, "trained": not options.quick, "run": str(folder)}


@contextmanager
def _empty_cache(folder: Path) -> Iterator[None]:
    """Nothing that an earlier run on this machine left behind stands in for what is to be made again."""
    before = os.environ.get(CACHE)
    os.environ[CACHE] = str(folder / "cache")
    try:
        yield
    finally:
        if before is None:
            del os.environ[CACHE]
        else:
            os.environ[CACHE] = before
