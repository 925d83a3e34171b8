"""Optuna's TPE and chance, behind the same call as our optimiser: same start, same budget, same book of what is taken."""

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from engine.search.layout import Rows
from engine.search.sampling import repair, sample_rows
from engine.search.space import SearchSpace
from engine.search.spec import SearchSpec
from engine.search.start import Taken, sobol_proposals
from engine.search.trial import BARE, Proposal, Trial

_ASKS = 64
_DRAWS = 4096


def chance_proposals(space: SearchSpace, spec: SearchSpec, taken: Taken, count: int) -> list[Proposal]:
    """Up to ``count`` points by chance, drawn within the budget."""
    generator = np.random.default_rng([spec.seed, len(taken)])
    proposals: list[Proposal] = []
    for _ in range(_DRAWS):
        if len(proposals) == count:
            break
        row = sample_rows(space, generator, 1)[0]
        if row not in taken:
            taken.add(row)
            proposals.append(Proposal(space.decode(row), "random"))
    return proposals


def tpe_proposals(space: SearchSpace, spec: SearchSpec, trials: Sequence[Trial], taken: Taken, count: int) -> list[Proposal]:
    """Up to ``count`` points of Optuna's TPE, in a study rebuilt from the trials.

    Kind, target and rank of each group are parameters of their own, target and rank only where there is an adapter; TPE models
    them together (``group``). Optuna cannot keep a hard budget: what it asks for above it is asked again, and after that cut
    down to the budget. Running trials are there for its constant liar; failed ones are told as failed.
    """
    generator = np.random.default_rng([spec.seed, len(taken)])
    study = _study(space, spec, trials, seed=int(generator.integers(2**31)))
    proposals: list[Proposal] = []
    while len(proposals) < count:
        row = _ask(space, study, taken, generator)
        if row is None:
            break
        taken.add(row)
        proposals.append(Proposal(space.decode(row), "tpe"))
    return proposals + sobol_proposals(space, spec, taken, count - len(proposals), "sobol: nothing new from tpe")


def _study(space: SearchSpace, spec: SearchSpec, trials: Sequence[Trial], seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(multivariate=True, group=True, n_startup_trials=1, seed=seed)
    directions: list[Literal["maximize", "minimize"]] = ["maximize", "minimize"] if spec.objectives == "two" else ["maximize"]
    study = optuna.create_study(directions=directions, sampler=sampler)
    states = {
        "done": optuna.trial.TrialState.COMPLETE,
        "failed": optuna.trial.TrialState.FAIL,
        "running": optuna.trial.TrialState.RUNNING,
        "proposed": optuna.trial.TrialState.RUNNING,
    }
    for trial in sorted(trials, key=lambda trial: trial.number):
        parameters, distributions = _parameters(space, space.encode(trial.candidate))
        values = None
        if trial.state == "done" and trial.value is not None:
            values = [trial.value, float(space.parameters(trial.candidate))][: len(directions)]
        study.add_trial(
            optuna.trial.create_trial(state=states[trial.state], values=values, params=parameters, distributions=distributions)
        )
    return study


def _ask(space: SearchSpace, study: optuna.Study, taken: Taken, generator: np.random.Generator) -> Rows | None:
    """A new row within the budget; the first one asked for if it fits, else another, else one cut down."""
    cut: Rows | None = None
    for _ in range(_ASKS):
        trial = study.ask()
        row = _suggest(space, trial)
        if row not in taken and space.row_costs(row[None])[0] <= space.limit:
            return row
        order = generator.permutation(len(space.groups))[None]
        smaller = repair(space, row[None], order)[0]
        if cut is None and smaller not in taken:
            cut = smaller
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    return cut


def _suggest(space: SearchSpace, trial: optuna.Trial) -> Rows:
    options: dict[tuple[str, str, int], int] = {
        (option.kind, option.target, option.rank): number for number, option in enumerate(space.options)
    }
    row = np.zeros(space.columns, dtype=np.int64)
    kinds, targets, ranks = _axes(space)
    for group in range(len(space.groups)):
        kind = trial.suggest_categorical(f"kind {group}", kinds)
        if kind == BARE.kind:
            row[group] = options[BARE.kind, BARE.target, BARE.rank]
            continue
        target = trial.suggest_categorical(f"target {group} {kind}", targets[kind])
        level = trial.suggest_int(f"rank {group} {kind}", 0, len(ranks[kind]) - 1)
        row[group] = options[kind, target, ranks[kind][level]]
    for index, field in enumerate(space.spec.further):
        column = len(space.groups) + index
        last = len(space.levels[index]) - 1
        if field.choices:
            row[column] = trial.suggest_categorical(field.path, list(range(last + 1)))
        else:
            row[column] = trial.suggest_int(field.path, 0, last)
    return row


def _parameters(space: SearchSpace, row: Rows) -> tuple[dict[str, object], dict[str, BaseDistribution]]:
    """What Optuna would have called the row's numbers."""
    kinds, targets, ranks = _axes(space)
    parameters: dict[str, object] = {}
    distributions: dict[str, BaseDistribution] = {}

    def put(name: str, value: object, distribution: BaseDistribution) -> None:
        parameters[name], distributions[name] = value, distribution

    for group in range(len(space.groups)):
        option = space.options[int(row[group])]
        put(f"kind {group}", option.kind, CategoricalDistribution(kinds))
        if option.kind != BARE.kind:
            ladder = ranks[option.kind]
            put(f"target {group} {option.kind}", option.target, CategoricalDistribution(targets[option.kind]))
            put(f"rank {group} {option.kind}", ladder.index(option.rank), IntDistribution(0, len(ladder) - 1))
    for index, field in enumerate(space.spec.further):
        level, last = int(row[len(space.groups) + index]), len(space.levels[index]) - 1
        put(field.path, level, CategoricalDistribution(list(range(last + 1))) if field.choices else IntDistribution(0, last))
    return parameters, distributions


def _axes(space: SearchSpace) -> tuple[list[str], dict[str, list[str]], dict[str, list[int]]]:
    """Kinds, and the targets and ranks (ascending) of each kind."""
    kinds = list(dict.fromkeys(option.kind for option in space.options))
    targets: dict[str, list[str]] = {
        kind: list(dict.fromkeys(option.target for option in space.options if option.kind == kind)) for kind in kinds
    }
    ranks = {kind: sorted({option.rank for option in space.options if option.kind == kind}) for kind in kinds}
    return kinds, targets, ranks
