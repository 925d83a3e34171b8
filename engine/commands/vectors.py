"""``vectors``: item and user vectors for an index of nearest neighbours."""

import argparse
import sys
from pathlib import Path
from typing import Any

from engine.commands.folders import fresh_folder


def vectors_command(options: argparse.Namespace) -> dict[str, Any]:
    """Write the vectors; returns what ``vectors.json`` says, with the folder as ``path``."""
    from engine.neighbours.vectors import write_vectors
    from engine.recommend import Recommender  # torch, only when it is needed

    recommender = Recommender.open(options.run)
    folder: Path = options.out or fresh_folder(f"vectors-{options.run.resolve().name}")
    about = write_vectors(recommender, options.histories, folder)
    print(f"note: the inner product is {about['product']}", file=sys.stderr)
    return {**about, "path": str(folder)}
