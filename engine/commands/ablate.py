"""``ablate``: a spec against its ablations and controls."""

import argparse
from typing import Any

from engine.commands.fit import read_spec
from engine.commands.study import run_study
from engine.errors import UserError
from engine.spec import parse_assignment
from engine.study.ablations import ablation_study


def ablate_command(options: argparse.Namespace) -> dict[str, Any]:
    """Run the ablations; returns the table with the folder as ``study``."""
    settings = dict(parse_assignment(text) for text in options.set)
    spec = read_spec(options.preset, options.spec, settings)
    only = None if options.only is None else [name.strip() for name in options.only.split(",") if name.strip()]
    study = ablation_study(spec, read_seeds(options.seeds), only)
    return run_study(study, settings, options, f"ablate-{spec.preset or spec.method.id}")


def read_seeds(text: str) -> tuple[int, ...]:
    """The seeds in ``0,1,2``; raises UserError for what is no number."""
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise UserError(f"--seeds {text}: not whole numbers.", "Write e.g. --seeds 0,1,2.") from error
