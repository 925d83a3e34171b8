"""``recommend``: ask a finished run."""

import argparse
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from engine.commands.progress import TerminalReport
from engine.commands.terminal import literal
from engine.errors import UserError
from engine.training.progress import ProgressReporter


def recommend_command(options: argparse.Namespace) -> dict[str, Any]:
    """Recommend; returns ``{"user", "history", "recommended"}``, or with --all what was written."""
    if options.k < 1:
        raise UserError(f"--k {options.k}: must be 1 or more.")
    if options.all:
        return _everyone(options)
    if options.out is not None:
        raise UserError("--out goes with --all only.", "Without --all the recommendations are printed.")
    from engine.recommend import Recommender  # torch, only when it is needed

    recommender = Recommender.open(options.run)
    if options.user is not None:
        history = recommender.history_of(options.user)
    else:
        history = recommender.items([part.strip() for part in options.history.split(",") if part.strip()])
    answer = recommender.recommend(history, options.k, options.user)
    _show(answer)
    return {"user": options.user, **answer}


def _everyone(options: argparse.Namespace) -> dict[str, Any]:
    """Write the lists of all users; returns ``{"path", "format", "users", "rows", "bytes", "k", "seen", "run"}``."""
    from engine.everyone import check_target, recommend_everyone

    out, form = check_target(options.out, options.format)
    if options.batch < 1:
        raise UserError(f"--batch {options.batch}: must be 1 or more.")
    from engine.recommend import Recommender  # torch, only when it is needed

    recommender = Recommender.open(options.run)
    with TerminalReport() as report:
        progress = ProgressReporter(report)
        done = recommend_everyone(
            recommender,
            out,
            form,
            k=options.k,
            seen=options.seen,
            batch=options.batch,
            on_batch=lambda done, total: progress.final("recommending", done, total, "users"),
        )
    return {**asdict(done), "path": str(out), "format": form, "k": options.k, "run": str(options.run)}


def _show(answer: dict[str, Any]) -> None:
    console = Console(stderr=True, highlight=False)
    table = Table(title="Recommended", title_justify="left")
    for heading in ("", "item", "title", "score"):
        table.add_column(heading, justify="right" if heading in ("", "score") else "left")
    for place, item in enumerate(answer["recommended"], start=1):
        table.add_row(str(place), literal(item["id"]), literal(item["title"]), f"{item['score']:.3f}")
    last = ", ".join(item["title"] for item in answer["history"][-5:])
    console.print(literal(f"After {len(answer['history'])} items, the last ones: {last}"))
    console.print(table)
