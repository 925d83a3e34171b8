"""Where commands read and write."""

import argparse
import json
import time
from pathlib import Path

from engine.errors import UserError


def data_path(options: argparse.Namespace) -> Path:
    """The path behind --data; raises UserError if there is none."""
    if options.data is None:
        raise UserError("--data is missing.", "Name a folder with interactions.csv and items.csv, e.g. --data ./my-shop.")
    path: Path = options.data
    if not path.exists():
        raise UserError(f"--data {path}: there is no such file or folder.", "Check the path.")
    return path


def fresh_folder(name: str) -> Path:
    """The name of a folder below ``runs`` that does not exist yet."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder, number = Path("runs") / f"{name}-{stamp}", 1
    while folder.exists():
        number += 1
        folder = Path("runs") / f"{name}-{stamp}-{number}"
    return folder


def is_refit(folder: Path) -> bool:
    """Whether ``folder`` holds a run that was refitted on all interactions, finished or not."""
    path = folder / "run.json"
    return path.is_file() and bool(json.loads(path.read_text(encoding="utf-8")).get("refit"))
