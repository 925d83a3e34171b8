"""Searches as workers would have left them: planted trials, and an end."""

import random
from typing import Any

from django.utils import timezone

from engine.adapters.choice import LayerChoice
from engine.cache import recipe_hash
from engine.search.presets import search_presets
from engine.search.trial import Candidate
from tests.webapp.people import PROTOCOL, make_run
from webapp.datasets.models import Version
from webapp.experiments.models import RunState
from webapp.searches.models import Search, SearchState, SearchTrial, Stage, TrialState

KINDS = ("none", "lora", "dora")
RANKS = (2, 4, 8, 16)


def make_search(version: Version, state: str = SearchState.RUNNING, settings: dict[str, Any] | None = None) -> Search:
    """A search without trials, of the preset ``search-nano`` with ``settings``."""
    project = version.dataset.project
    plan = search_presets().get("search-nano").plan(settings)
    return Search.objects.create(
        project=project,
        number=project.searches.count() + 1,
        version=version,
        plan=plan.model_dump(mode="json"),
        at_once=2,
        state=state,
        created_by=version.created_by,
        finished_at=None if state in (SearchState.RUNNING, SearchState.FINISHING, SearchState.PAUSED) else timezone.now(),
    )


def candidate(layers: int, seed: int, fields: dict[str, Any] | None = None) -> Candidate:
    """Something in every layer, by chance."""
    chance = random.Random(seed)
    choices = []
    for _ in range(layers):
        kind = chance.choice(KINDS)
        target, rank = chance.choice(("attention", "mlp", "both")), chance.choice(RANKS)
        choices.append(LayerChoice(kind=kind, target="both" if kind == "none" else target, rank=0 if kind == "none" else rank))
    return Candidate(tuple(choices), tuple((fields or {}).items()))


def uniform(layers: int, rank: int) -> Candidate:
    """LoRA alike in all layers."""
    return Candidate((LayerChoice(kind="lora", target="both", rank=rank),) * layers)


def add_trial(search: Search, made: Candidate, value: float | None = None, **values: Any) -> SearchTrial:
    """One more trial: done if it has a value, else running."""
    stage = values.pop("stage", Stage.TRIAL)
    number = search.trials.filter(stage=stage).count()
    state = values.pop("state", TrialState.RUNNING if value is None else TrialState.DONE)
    run_state = {
        TrialState.RUNNING: RunState.RUNNING,
        TrialState.DONE: RunState.SUCCEEDED,
        TrialState.FAILED: RunState.FAILED,
        TrialState.CANCELLED: RunState.CANCELLED,
    }[state]
    run_values = {"progress": {"fraction": 0.5}, "protocol": PROTOCOL if value is not None else {}, **values.pop("run", {})}
    parameters = sum(choice.rank for choice in made.architecture) * 4096
    known: dict[str, Any] = {"origin": "model", "parameters": parameters, "fidelity": 1.0, **values}
    seed = known.pop("seed", None)
    return SearchTrial.objects.create(
        search=search,
        stage=stage,
        number=number,
        candidate={**made.to_json(), **({} if seed is None else {"seed": seed})},
        fingerprint=recipe_hash(made.to_json(), seed),
        run=make_run(search.version, run_state, "darec-nano", **run_values),
        state=state,
        value=value,
        **known,
    )


def plant(search: Search, layers: int, trials: int, running: int = 0, **values: Any) -> list[SearchTrial]:
    """So many trials: a uniform one, a bare one, Sobol and the model; higher ranks in the middle layers are worth more."""
    found = []
    for number in range(trials):
        made = uniform(layers, 8) if number == 0 else candidate(layers, number)
        middle = made.architecture[layers // 3 : -(layers // 3)]
        value = round(0.03 + 0.02 * sum(choice.rank for choice in middle) / len(middle) / 16 + number * 1e-4, 5)
        about: dict[str, Any] = {"origin": "uniform lora/both/8" if number == 0 else "sobol"}
        if number > 5:
            about = {"origin": "model", "expected_mean": value - 0.001, "expected_sd": 0.002, "acquisition": -6.5}
        early = number > 5 and number % 3 == 0
        value = value * 0.7 if early else value
        shown = None if number >= trials - running else value
        found.append(add_trial(search, made, shown, fidelity=0.5 if early and shown else 1.0, **about, **values))
    return found


def answer(search: Search, difference: float = 0.0018) -> dict[str, Any]:
    """``engine.search.answer.answer`` of a finished search."""
    base, p = 0.0566, 0.012
    leader = search.trials.filter(stage=Stage.TRIAL, value__isnull=False).order_by("-fidelity", "-value")[0]
    side = {"valid": {"ndcg@10": 0.0612}, "trainable_parameters": 512_345, "seconds": 280.4, "fields": {}}
    best = {**side, "architecture": [], "test": {"ndcg@10": base + difference, "hr@10": 0.11}, "adapter_parameters": 393_216}
    rival = {**side, "architecture": [], "test": {"ndcg@10": base, "hr@10": 0.105}, "adapter_parameters": 390_144}
    return {
        "best": {
            **best,
            "trial": leader.number,
            "expected": 0.058,
        },
        "uniform": rival,
        "trials": [{"number": row.number} for row in search.trials.filter(stage=Stage.TRIAL)],
        "seconds": 725.0,
        "final_seconds": 1680.0,
        "full_training_seconds": 280.4,
        "p_value": p,
        "comparison": {
            "metric": "ndcg@10",
            "users": 22_363,
            "mean_a": base + difference,
            "mean_b": base,
            "difference": difference,
            "low": difference - 0.001,
            "high": difference + 0.001,
            "relative": difference / base,
            "relative_low": 0.01,
            "relative_high": 0.05,
            "p": p,
            "seeds_a": [0.058, 0.0584, 0.0588],
            "seeds_b": [0.056, 0.0566, 0.0572],
            "deviation_a": 0.0004,
            "deviation_b": 0.0006,
        },
        "verdict": "Worth it: +3.2% NDCG@10 against uniform LoRA of the same size (95 % interval +1.0% to +5.0%, p = 0.012, "
        "paired over 22,363 users, seeds: 3).",
    }


def finish_search(search: Search) -> Search:
    """The end: winner, full trainings of both, and the answer."""
    best = search.trials.filter(stage=Stage.TRIAL, value__isnull=False).order_by("-fidelity", "-value")[0]
    made = Candidate.from_json(best.candidate)
    done = {"valid": {"ndcg@10": 0.0612}, "test": {"ndcg@10": 0.0584}, "seconds": 280.0}
    for stage, thing in ((Stage.UNIFORM, uniform(len(made.architecture), 7)), (Stage.WINNER, made)):
        for seed in (1, 2, 3):
            add_trial(search, thing, stage=stage, seed=seed, state=TrialState.DONE, value=0.0612, run=done, origin="the winner")
    search.winner = {"trials": 30, "number": best.number, "mean": 0.058, "sd": 0.001, "reason": "highest posterior mean"}
    search.state, search.finished_at = SearchState.FINISHED, timezone.now()
    search.answer = answer(search)
    search.save()
    return search
