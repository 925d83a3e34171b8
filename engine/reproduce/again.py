"""Getting the numbers of a bundle once more: trained again, or only evaluated again."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.data.version import Version
from engine.errors import UserError
from engine.events import Report
from engine.recommend import Recommender
from engine.reproduce.bundle import numbers_of, ranks_hash
from engine.reproduce.machine import differences, this_machine
from engine.reproduce.model import Bundle, Numbers
from engine.run import Judge, run, split_and_candidates
from engine.spec import parse_spec
from engine.training.device import choose_device, set_threads


def require_data(bundle: Bundle, version: Version) -> None:
    """Raises UserError unless ``version`` is the bundle's data, by its content's hash."""
    if version.hash == bundle.manifest.hash:
        return
    steps = ", ".join(f"{step.name} {step.settings}" for step in bundle.manifest.filters) or "none"
    raise UserError(
        f"The data are not those of the run: their hash is {version.hash[:12]}, the run's {bundle.manifest.hash[:12]} "
        f"({version.counts.interactions:,} interactions, the run had {bundle.manifest.counts.interactions:,}).",
        f"Name the run's version, or prepare the raw files with its filters ({steps}).",
    )


def train_again(bundle: Bundle, version: Version, folder: Path, report: Report, should_stop: Callable[[], bool]) -> Numbers:
    """Train and evaluate the bundle's spec in ``folder``."""
    result = run(parse_spec(bundle.spec), version, folder, report, should_stop=should_stop)
    return numbers_of(folder, result)


def evaluate_again(bundle: Bundle, version: Version, folder: Path) -> Numbers:
    """Evaluate the trained run in ``folder``; raises UserError if it is none, or of another spec."""
    method = Recommender.open(folder, version, parse_spec(bundle.spec).training.device).method
    context = method.context
    if context.spec != parse_spec(bundle.spec):
        raise UserError(f"{folder} holds a run of another spec than the bundle.", "Name the bundle's own run, or leave --quick.")
    split, candidates = split_and_candidates(context.spec, version)
    judge = Judge(replace(context, split=split), candidates, context.check_stop)
    score = method.scorer()
    found = {"valid": judge(score, "valid", _silent)}
    if context.spec.evaluation.test:
        found["test"] = judge(score, "test", _silent)
    ranks = {name: ranks_hash(evaluation.users, evaluation.ranks) for name, evaluation in found.items()}
    test = found["test"].metrics if "test" in found else {}
    return Numbers(protocol=judge.protocol(), valid=found["valid"].metrics, test=test, ranks=ranks)


def reasons(bundle: Bundle, *, trained: bool) -> list[str]:
    """Why equal bits cannot be asked for here; empty if they can."""
    spec = parse_spec(bundle.spec)
    device = choose_device(spec.training.device)
    set_threads(spec.training.threads)
    told = differences(bundle.machine, this_machine(device))
    if device.type != "cpu" or not bundle.machine.kind.startswith("CPU"):
        told.append("a GPU adds numbers in an order of its own")
    if trained and bundle.timed:
        told.append("training ended by the clock (training.minutes), so the number of steps hangs on the machine's speed")
    return told


def _silent(done: int, total: int) -> None:
    """Evaluating is quick enough to be waited for."""
