"""``predict``: the ranked lists of all users with a target, for other programs to evaluate."""

import argparse
from pathlib import Path
from typing import Any

from engine.commands.folders import fresh_folder
from engine.commands.progress import TerminalReport
from engine.errors import UserError
from engine.training.progress import ProgressReporter


def predict_command(options: argparse.Namespace) -> dict[str, Any]:
    """Write lists and qrels; returns ``{"run", "split", "k", "users", "lines", "lists", "qrels"}``, the last two paths."""
    if options.k < 1:
        raise UserError(f"--k {options.k}: must be 1 or more.")
    from engine.neighbours.trec import QRELS, RUN, write_trec
    from engine.recommend import Recommender  # torch, only when it is needed

    recommender = Recommender.open(options.run)
    folder: Path = options.out or fresh_folder(f"predict-{options.run.resolve().name}")
    with TerminalReport() as report:
        progress = ProgressReporter(report)

        def count(done: int, total: int) -> None:
            progress.counting("ranking", done, total, "users")

        users, lines = write_trec(recommender, options.split, options.k, folder, count)
    return {
        "run": str(options.run),
        "split": options.split,
        "k": options.k,
        "users": users,
        "lines": lines,
        "lists": str(folder / RUN),
        "qrels": str(folder / QRELS),
    }
