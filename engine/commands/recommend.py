"""``recommend``: ask a finished run."""

import argparse
from typing import Any

from rich.console import Console
from rich.table import Table

from engine.errors import UserError


def recommend_command(options: argparse.Namespace) -> dict[str, Any]:
    """Recommend; returns ``{"user", "history", "recommended"}``."""
    if options.k < 1:
        raise UserError(f"--k {options.k}: must be 1 or more.")
    from engine.recommend import Recommender  # torch, only when it is needed

    recommender = Recommender.open(options.run)
    if options.user is not None:
        history = recommender.history_of(options.user)
    else:
        history = recommender.items([part.strip() for part in options.history.split(",") if part.strip()])
    answer = recommender.recommend(history, options.k, options.user)
    _show(answer)
    return {"user": options.user, **answer}


def _show(answer: dict[str, Any]) -> None:
    console = Console(stderr=True, highlight=False)
    table = Table(title="Recommended", title_justify="left")
    for heading in ("", "item", "title", "score"):
        table.add_column(heading, justify="right" if heading in ("", "score") else "left")
    for place, item in enumerate(answer["recommended"], start=1):
        table.add_row(str(place), _plain(item["id"]), _plain(item["title"]), f"{item['score']:.3f}")
    last = ", ".join(item["title"] for item in answer["history"][-5:])
    console.print(f"After {len(answer['history'])} items, the last ones: {last}", markup=False)
    console.print(table)


def _plain(text: str) -> str:
    """Titles are hostile text: square brackets are no markup."""
    return text.replace("[", r"\[")
