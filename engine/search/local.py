"""A search on this machine: proposes, runs trials in warm processes beside each other, and goes on from what its folder holds."""

import json
from collections.abc import Callable
from pathlib import Path

from engine.data.version import Version
from engine.errors import RunCancelled
from engine.events import LogEvent, Report, WarningEvent
from engine.run import never
from engine.search.backbone import layers_and_cost
from engine.search.folder import SearchFolder, TrialFolder
from engine.search.optimiser import propose
from engine.search.plan import SearchPlan, trial_run
from engine.search.space import SearchSpace
from engine.search.stopping import LearningCurve, stop_below
from engine.search.trial import Candidate, Trial
from engine.spec import RunSpec, override, parse_spec
from engine.study.pool import Ended, RunPool


class LocalSearch:
    """The trials of ``plan`` below ``folder``.

    Args:
        jobs: trials at once, of one thread each.

    Raises:
        UserError: the folder holds another search, or the space does not fit the backbone.
    """

    def __init__(self, plan: SearchPlan, version: Version, folder: Path, report: Report, jobs: int = 1) -> None:
        self.plan, self.version, self.report, self.jobs = plan, version, report, jobs
        layers, self.cost = layers_and_cost(plan.method)
        self.space = SearchSpace(plan.space, layers, self.cost)
        self.folder = SearchFolder(folder)
        self.folder.claim(plan, version.hash)

    def run(self, should_stop: Callable[[], bool] = never) -> list[Trial]:
        """Bring all trials to their end; gives them. Raises RunCancelled when ``should_stop`` says so: the same call goes on."""
        with RunPool(self.version.path, self.jobs) as pool:
            waiting = [each for each in self.folder.trials() if each.trial().state == "running"]
            exhausted = False
            while not should_stop():
                while pool.free and not exhausted and not should_stop():
                    trial = waiting.pop(0) if waiting else self._next()
                    exhausted = trial is None
                    if trial is not None:
                        pool.start(str(trial.number), self._spec(trial), trial.run)
                if not pool.running:
                    return self.trials()
                for ended in pool.wait(should_stop):
                    self._end(ended)
        raise RunCancelled

    def trials(self) -> list[Trial]:
        """All trials so far."""
        return [each.trial() for each in self.folder.trials()]

    def _next(self) -> TrialFolder | None:
        """Propose a trial and write it down; None if there are enough, or no other candidates."""
        trials = self.trials()
        if len(trials) >= self.plan.trials:
            return None
        proposals = propose(self.space, self.plan, trials, 1)
        if not proposals:
            self.report(WarningEvent(message=f"The space is exhausted after {len(trials)} trials: there is nothing else to try."))
            return None
        (proposal,) = proposals
        if proposal.warning:
            self.report(WarningEvent(message=proposal.warning))
        folder = self.folder.trial(len(trials))
        folder.write(proposal, self.space.parameters(proposal.candidate))
        return folder

    def _spec(self, folder: TrialFolder) -> RunSpec:
        """A trial that was begun keeps the spec that it was begun with: what stops trials early changes as others end."""
        begun = folder.run / "run.json"
        if begun.is_file():
            return parse_spec(json.loads(begun.read_text(encoding="utf-8"))["spec"])
        results = [each.result() for each in self.folder.trials()]
        curves = [LearningCurve(result.curve, result.curve_at) for result in results if result is not None]
        spec = trial_run(self.plan, Candidate.from_json(folder.proposal()), stop_below(self.plan, curves))
        return parse_spec(override(spec.model_dump(mode="json"), {"training.threads": 1})) if self.jobs > 1 else spec

    def _end(self, ended: Ended) -> None:
        folder = self.folder.trial(int(ended.name))
        if ended.stopped:
            return
        if ended.problem is not None:
            folder.fail(ended.problem)
        trials = self.trials()
        self.report(LogEvent(message=_line(folder.trial(), trials, self.plan.trials)))


def _line(trial: Trial, trials: list[Trial], planned: int) -> str:
    done = [each for each in trials if each.state == "done"]
    ended = sum(each.state in ("done", "failed") for each in trials)
    best = max(done, key=lambda each: each.value or 0.0, default=None)
    value = f"{trial.value:.4f}" if trial.value is not None else "FAILED"
    early = " (ended early)" if trial.fidelity < 1 else ""
    top = f"best {best.value:.4f} (trial {best.number})" if best is not None else "no value yet"
    return f"{ended:>3}/{planned}  trial {trial.number:>3}  {value}{early}  {top}  {trial.origin}: {trial.candidate}"
