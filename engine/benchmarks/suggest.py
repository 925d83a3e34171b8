"""How long the next suggestion takes: a search of a deep backbone with many finished trials and some still running."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch

from engine.benchmarks.search_objective import Objective, draw_objective
from engine.errors import UserError
from engine.search.optimiser import propose
from engine.search.sampling import sample_rows
from engine.search.spec import SearchSpec
from engine.search.trial import Trial


@dataclass(frozen=True)
class SuggestSize:
    """What is asked: one more point for a backbone of ``layers`` layers after ``trials`` finished ones, ``running`` pending."""

    layers: int = 32
    trials: int = 100
    running: int = 2
    repetitions: int = 5

    def __post_init__(self) -> None:
        given = {"layers": self.layers, "finished": self.trials, "running": self.running, "suggestions": self.repetitions}
        for (name, value), least in zip(given.items(), (2, 12, 0, 1), strict=True):
            if value < least:
                raise UserError(f"--{name} {value}: must be {least} or more.")


def suggest_bench(size: SuggestSize, threads: int, say: Callable[[str], None]) -> dict[str, float]:
    """Seconds by the clock from trials to the next point, fitting included: ``{"seconds", "two_objectives"}``, medians.

    Each repetition has other trials; the first of all is a warm-up and is not counted.
    """
    torch.set_num_threads(threads)
    seconds: dict[str, list[float]] = {"one": [], "two": []}
    for repetition in range(size.repetitions + 1):
        objective = draw_objective(size.layers, repetition)
        trials = _trials(objective, size, repetition)
        for objectives, times in seconds.items():
            spec = SearchSpec.model_validate({"space": objective.space.spec, "objectives": objectives, "seed": repetition})
            begin = time.perf_counter()
            proposal = propose(objective.space, spec, trials, 1)[0]
            if repetition:
                times.append(time.perf_counter() - begin)
            if proposal.origin != "model":
                raise RuntimeError(f"the model was not asked: {proposal.origin}")
    say(
        f"{size.layers} layers, {size.trials} finished and {size.running} running trials, {threads} thread(s): one objective "
        f"{median(seconds['one']):.2f} s, two {median(seconds['two']):.2f} s (medians of {size.repetitions})"
    )
    return {"seconds": round(median(seconds["one"]), 3), "two_objectives": round(median(seconds["two"]), 3)}


def _trials(objective: Objective, size: SuggestSize, seed: int) -> list[Trial]:
    """The baselines and random points, so that the model's turn has come."""
    space = objective.space
    generator = np.random.default_rng(seed)
    spec = SearchSpec(space=space.spec, seed=seed)
    started = [proposal.candidate for proposal in propose(space, spec, [], 5 + spec.start)]
    drawn = [space.decode(row) for row in sample_rows(space, generator, 2 * (size.trials + size.running))]
    candidates = list(dict.fromkeys([*started, *drawn]))[: size.trials + size.running]
    finished = [
        Trial(number, candidate, "done", objective.value(space.encode(candidate)) + float(generator.normal(0, objective.noise)))
        for number, candidate in enumerate(candidates[: size.trials])
    ]
    return finished + [Trial(size.trials + number, one, "running") for number, one in enumerate(candidates[size.trials :])]
