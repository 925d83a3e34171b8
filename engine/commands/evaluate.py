"""``evaluate``: measure a finished run once more."""

import argparse
from dataclasses import replace
from functools import partial
from typing import Any

from engine.commands.folders import is_refit
from engine.commands.progress import TerminalReport
from engine.errors import SpecError, UserError
from engine.events import WarningEvent
from engine.spec import override, parse_assignment, parse_spec
from engine.training.progress import ProgressReporter


def evaluate_command(options: argparse.Namespace) -> dict[str, Any]:
    """Evaluate on validation and test; returns ``{"method", "protocol", "valid", "test", "users_evaluated", "notices", "run"}``.

    Nothing is trained, and the run's folder stays as it is.

    Raises:
        UserError: there is no finished run, or a setting is none of ``evaluation``.
    """
    settings = dict(parse_assignment(text) for text in options.set)
    others = sorted(path for path in settings if not path.startswith("evaluation."))
    if others:
        raise SpecError([(others[0], "evaluate cannot change it")], "Only evaluation.* can be set here; for all else, fit again.")
    if is_refit(options.run):
        raise UserError(
            f"{options.run} was refitted on all interactions: there is nothing that it has not seen to measure it on.",
            "Evaluate the run that it repeats.",
        )
    from engine.recommend import Recommender  # torch, only now that all else is known to be right
    from engine.run import Judge, split_and_candidates

    method = Recommender.open(options.run).method
    context = method.context
    spec = parse_spec(override(context.spec.model_dump(mode="json"), settings))
    split, candidates = split_and_candidates(spec, context.version)
    judge = Judge(replace(context, spec=spec, split=split), candidates, context.check_stop)
    with TerminalReport() as report:
        for notice in split.notices:
            report(WarningEvent(message=notice))
        progress = ProgressReporter(report)
        score = method.scorer()
        valid = judge(score, "valid", partial(_count, progress, "evaluating validation"))
        test = judge(score, "test", partial(_count, progress, "evaluating test"))
    return {
        "method": spec.method.id,
        "protocol": judge.protocol().model_dump(mode="json"),
        "valid": valid.metrics,
        "test": test.metrics,
        "users_evaluated": len(test.users),
        "notices": list(split.notices),
        "run": str(options.run),
    }


def _count(progress: ProgressReporter, phase: str, done: int, total: int) -> None:
    progress.counting(phase, done, total, "users")
