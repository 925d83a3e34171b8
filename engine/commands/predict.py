"""``predict``: the ranked lists of all users with a target, for other programs to evaluate."""

import argparse
from pathlib import Path
from typing import Any

from engine.commands.folders import fresh_folder
from engine.commands.progress import TerminalReport
from engine.commands.terminal import tell
from engine.errors import UserError
from engine.training.progress import ProgressReporter


def predict_command(options: argparse.Namespace) -> dict[str, Any]:
    """Write lists and qrels.

    Returns ``{"run", "split", "k", "users", "lines", "tied", "lists", "qrels", "ties"}``: the last three are paths; of ``tied``
    users other programs may compute other figures.
    """
    if options.k < 1:
        raise UserError(f"--k {options.k}: must be 1 or more.")
    from engine.neighbours.trec import QRELS, RUN, TIED, write_trec
    from engine.recommend import Recommender  # torch, only when it is needed

    recommender = Recommender.open(options.run)
    folder: Path = options.out or fresh_folder(f"predict-{options.run.resolve().name}")
    with TerminalReport() as report:
        progress = ProgressReporter(report)

        def count(done: int, total: int) -> None:
            progress.counting("ranking", done, total, "users")

        written = write_trec(recommender, options.split, options.k, folder, count)
    if written.tied:
        told = (
            f"note: the targets of {written.tied:,} of {written.users:,} users tie with other items: mid-ranks here, order of ids"
        )
        tell(f"{told} or lines elsewhere; {folder / TIED} names the users.")
    return {
        "run": str(options.run),
        "split": options.split,
        "k": options.k,
        "users": written.users,
        "lines": written.lines,
        "tied": written.tied,
        "lists": str(folder / RUN),
        "qrels": str(folder / QRELS),
        "ties": str(folder / TIED),
    }
