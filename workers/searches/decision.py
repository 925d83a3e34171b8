"""What a search does next, worked out from its rows: the same stages as ``engine.search.session`` on one machine.

Loads the engine, so only a child process may import it. Nothing is written here.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.cache import recipe_hash
from engine.errors import UserError
from engine.search.backbone import layers_and_cost
from engine.search.final import WINNER, Finalists, final_study
from engine.search.optimiser import propose
from engine.search.plan import SearchPlan, trial_run
from engine.search.rival import rival_plan
from engine.search.space import SearchSpace
from engine.search.stopping import LearningCurve, stop_below
from engine.search.trial import Candidate, Proposal, Trial
from engine.spec import RunSpec
from engine.study.variant import StudyRun
from webapp.experiments.backbones import check_backbones
from webapp.searches.models import FINAL_STAGES, Search, SearchTrial, Stage, TrialState
from workers.searches.ending import make_answer, why_failed

_ENGINE_STATES: dict[str, Literal["running", "done", "failed"]] = {
    TrialState.RUNNING: "running",
    TrialState.DONE: "done",
    TrialState.FAILED: "failed",
    TrialState.CANCELLED: "failed",
}


@dataclass(frozen=True)
class Launch:
    """A trial to be started.

    Attributes:
        seconds: how long it took to propose it, with those beside it.
        seed: of a full training, else None.
    """

    stage: Stage
    proposal: Proposal
    parameters: int
    spec: RunSpec
    seconds: float = 0.0
    seed: int | None = None

    @property
    def candidate(self) -> dict[str, Any]:
        """As it is stored."""
        return {**self.proposal.candidate.to_json(), **({} if self.seed is None else {"seed": self.seed})}

    @property
    def fingerprint(self) -> str:
        """Equal for equal candidates, with the seed of a full training."""
        return fingerprint(self.proposal.candidate, self.seed)


@dataclass(frozen=True)
class Decision:
    """What to do next; nothing of it: wait for what runs.

    Attributes:
        launches: trials of one stage, or of both final ones.
        answer: the search has finished with it.
        winner: as ``Search.winner``, empty before all trials have ended.
        note: for people.
        final: the full trainings are on, or their comparison is done.
    """

    launches: list[Launch] = field(default_factory=list)
    answer: dict[str, Any] | None = None
    winner: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    final: bool = False


def fingerprint(candidate: Candidate, seed: int | None = None) -> str:
    """What ``SearchTrial.fingerprint`` holds."""
    return recipe_hash(candidate.to_json(), seed)


def as_trial(row: SearchTrial) -> Trial:
    """The trial as the optimiser sees it."""
    state = _ENGINE_STATES[row.state]
    return Trial(row.number, row.read_candidate(), state, row.value, None, row.parameters, row.fidelity, row.origin)


class Decider:
    """Decides about one search.

    Args:
        rows: all its trials, with their runs.
        free: how many more may be started now.
    """

    def __init__(self, search: Search, rows: Sequence[SearchTrial], free: int) -> None:
        self.plan = search.read_plan()
        self.search, self.rows, self.free = search, rows, free
        check_backbones(search.plan, at_worker=True)
        layers, self.cost = layers_and_cost(self.plan.method)
        self.space = SearchSpace(self.plan.space, layers, self.cost)

    def decide(self) -> Decision:
        """The next thing to do.

        Raises:
            UserError: the search cannot go on: nothing finished, a full training failed, or the space does not fit.
        """
        trials = self._of(Stage.TRIAL)
        launches = self._propose(Stage.TRIAL, self.plan, self.space, trials)
        if launches or _running(trials):
            return Decision(launches)
        missing = self.plan.trials - len(trials)
        note = f"The space is exhausted after {len(trials)} trials: there is nothing else to try." if missing > 0 else ""
        winner = self._winner(trials)
        candidate = next(row for row in trials if row.number == winner["number"]).read_candidate()
        rival, launches, waiting = self._tune_rival(candidate)
        if launches or waiting:
            return Decision(launches, winner=winner, note=note)
        from engine.search.answer import finalists_of

        pair = finalists_of(candidate, rival, self.cost)
        launches, waiting = self._retrain(pair)
        if launches or waiting:
            return Decision(launches, winner=winner, note=note, final=True)
        answer = make_answer(pair, winner, [as_trial(row) for row in trials], self._finals(pair), self.rows)
        return Decision(answer=answer, winner=winner, note=note, final=True)

    def _of(self, *stages: Stage) -> list[SearchTrial]:
        return [row for row in self.rows if row.stage in stages]

    def _propose(self, stage: Stage, plan: SearchPlan, space: SearchSpace, rows: Sequence[SearchTrial]) -> list[Launch]:
        count = min(self.free, plan.trials - len(rows))
        if count <= 0:
            return []
        begin = time.monotonic()
        proposals = propose(space, plan, [as_trial(row) for row in rows], count)
        seconds = round(time.monotonic() - begin, 3)
        floors = stop_below(
            plan, [LearningCurve(row.run.curve, row.run.curve_at) for row in rows if row.state == TrialState.DONE]
        )
        return [
            Launch(stage, each, space.parameters(each.candidate), trial_run(plan, each.candidate, floors), seconds=seconds)
            for each in proposals
        ]

    def _winner(self, trials: Sequence[SearchTrial]) -> dict[str, Any]:
        """The winner, found once for as many trials."""
        if self.search.winner.get("trials") == len(trials):
            return dict(self.search.winner)
        winner = self._best(trials, self.space, "trials")
        return {
            "trials": len(trials),
            "number": winner.trial.number,
            "mean": winner.mean,
            "sd": winner.sd,
            "reason": winner.reason,
            "importance": self._importance(trials),
        }

    def _importance(self, trials: Sequence[SearchTrial]) -> dict[str, dict[str, float]]:
        """What each layer's choice is worth, by layer as text; empty where there is no model to ask."""
        from engine.search.belief import CANNOT_FIT
        from engine.search.importance import importance
        from engine.search.observations import TooFewTrials

        try:
            found = importance(self.space, [as_trial(row) for row in trials])
        except (TooFewTrials, *CANNOT_FIT):
            return {}
        return {str(each.layer): {"mean": each.importance, "sd": each.sd} for each in found}

    def _best(self, rows: Sequence[SearchTrial], space: SearchSpace, name: str) -> Any:
        if not any(row.state == TrialState.DONE for row in rows):
            raise UserError(
                f"All {len(rows)} {name} failed, so there is no winner. {why_failed(rows)}",
                "Open the run of a trial: it says what went wrong. Correct the settings and launch a new search; "
                "if it was bad luck, extend this one.",
            )
        # Only now: the libraries take seconds to load.
        from engine.search.answer import winner_of

        return winner_of(space, [as_trial(row) for row in rows])

    def _tune_rival(self, winner: Candidate) -> tuple[Candidate | None, list[Launch], bool]:
        """The best of the rival's own settings (None: there are none to tune), what to start for it, and whether to wait."""
        own = rival_plan(self.plan, self.space.parameters(winner), self.space.layers, self.cost)
        if own is None:
            return None, [], False
        space = SearchSpace(own.space, self.space.layers, self.cost)
        # Those of an earlier winner of another size are left aside.
        rows = [row for row in self._of(Stage.RIVAL) if space.holds(row.read_candidate())]
        launches = self._propose(Stage.RIVAL, own, space, rows)
        if launches or _running(rows):
            return None, launches, True
        return self._best(rows, space, "trials of uniform LoRA's own settings").trial.candidate, [], False

    def _retrain(self, pair: Finalists) -> tuple[list[Launch], bool]:
        """Full trainings to start, and whether to wait for some."""
        found = self._finals(pair)
        failed = [row for row in found.values() if row.state in (TrialState.FAILED, TrialState.CANCELLED)]
        waiting = _running(list(found.values()))
        if failed and not waiting:
            raise UserError(
                f"The final comparison is not complete. {why_failed(failed)}",
                "Correct what went wrong, then resume the search: it repeats the full trainings that failed.",
            )
        missing = [item for item in final_study(self.plan, pair).runs() if (item.label, item.seed) not in found]
        launches = [] if failed else [self._full(pair, item) for item in missing[: self.free]]
        return launches, waiting or bool(missing)

    def _full(self, pair: Finalists, item: StudyRun) -> Launch:
        winner = item.label == WINNER
        candidate = pair.winner if winner else pair.rival
        parameters = sum(self.cost(choice, layer) for layer, choice in enumerate(candidate.architecture))
        proposal = Proposal(candidate, "the winner" if winner else "uniform LoRA of the winner's size")
        return Launch(Stage(item.label), proposal, parameters, item.spec, seed=item.seed)

    def _finals(self, pair: Finalists) -> dict[tuple[str, int], SearchTrial]:
        """The full trainings of ``pair`` that there are, by label and seed."""
        known = {(row.stage, row.fingerprint): row for row in self._of(*FINAL_STAGES)}
        found = {}
        for item in final_study(self.plan, pair).runs():
            row = known.get((item.label, fingerprint(pair.winner if item.label == WINNER else pair.rival, item.seed)))
            if row is not None:
                found[item.label, item.seed] = row
        return found


def _running(rows: Sequence[SearchTrial]) -> bool:
    return any(row.state == TrialState.RUNNING for row in rows)
