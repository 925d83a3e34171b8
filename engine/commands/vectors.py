"""``vectors``: item and user vectors for an index of nearest neighbours."""

import argparse
from pathlib import Path
from typing import Any

from engine.commands.folders import fresh_folder
from engine.commands.terminal import tell


def vectors_command(options: argparse.Namespace) -> dict[str, Any]:
    """Write the vectors; returns what ``vectors.json`` says, with the folder as ``path``."""
    from engine.neighbours.vectors import write_vectors
    from engine.recommend import Recommender  # torch, only when it is needed

    recommender = Recommender.open(options.run)
    folder: Path = options.out or fresh_folder(f"vectors-{options.run.resolve().name}")
    about = write_vectors(recommender, options.histories, folder)
    tell(f"note: the inner product is {about['product']}")
    return {**about, "path": str(folder)}
