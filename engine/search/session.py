"""A whole local search: trials, the rival's trials, the final comparison, and the answer as one object."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.cache import recipe_hash
from engine.data.version import Version
from engine.durable import write_whole
from engine.events import LogEvent, Report
from engine.run import never
from engine.search.answer import answer, finalists_of, winner_of
from engine.search.final import Final, Finalists
from engine.search.local import LocalSearch
from engine.search.plan import SearchPlan
from engine.search.retraining import run_final
from engine.search.rival import rival_plan
from engine.search.trial import Candidate


def run_search(
    plan: SearchPlan,
    version: Version,
    folder: Path,
    report: Report,
    *,
    jobs: int = 1,
    should_stop: Callable[[], bool] = never,
) -> dict[str, Any]:
    """Search below ``folder``, or go on with the search there; returns ``engine.search.answer.answer``, kept as ``answer.json``.

    Raises:
        EngineError: no trial has finished, or a retraining failed.
        RunCancelled: ``should_stop`` said so; the same call goes on.
    """
    clock = _Clock(folder)
    search = LocalSearch(plan, version, folder, report, jobs)
    trials = clock.measured("trials", lambda: search.run(should_stop))
    winner = winner_of(search.space, trials)
    report(LogEvent(message=f"winner: trial {winner.trial.number}, {winner.reason}: {winner.trial.candidate}"))

    def finish() -> Final:
        pair = _finalists(search, winner.trial.candidate, should_stop)
        report(LogEvent(message=f"retraining winner and uniform LoRA in full: {pair.rival}"))
        # a search that was extended may have another winner: its retrainings stand beside the first ones
        place = folder / f"final-{recipe_hash(str(pair.winner), str(pair.rival))[:8]}"
        return run_final(plan, pair, version, place, report, jobs, should_stop)

    final = clock.measured("final", finish)
    report(LogEvent(message=final.verdict))
    told = answer(winner, final, trials, seconds=clock.seconds("trials"), final_seconds=clock.seconds("final"))
    write_whole(folder / "answer.json", json.dumps(told, indent=1))
    return told


def _finalists(search: LocalSearch, winner: Candidate, should_stop: Callable[[], bool]) -> Finalists:
    """The rival has its own further settings, from as many trials of its own."""
    plan, space = search.plan, search.space
    own = rival_plan(plan, space.parameters(winner), space.layers, search.cost)
    if own is None:
        return finalists_of(winner, None, search.cost)
    search.report(LogEvent(message=f"tuning uniform LoRA of the winner's size with as many trials: {plan.trials}"))
    # a search that was extended may have a winner of another size: its rival's trials stand beside the first ones
    rival = LocalSearch(own, search.version, search.folder.path / f"rival-rank-{own.space.ranks[0]}", search.report, search.jobs)
    return finalists_of(winner, winner_of(rival.space, rival.run(should_stop)).trial.candidate, search.cost)


class _Clock:
    """Wall time of the phases, over all calls on the same folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "seconds.json"

    def seconds(self, phase: str) -> float:
        """Wall time of ``phase`` so far."""
        return round(self._all().get(phase, 0.0), 2)

    def measured(self, phase: str, work: Callable[[], Any]) -> Any:
        """Do ``work``, and add its wall time to ``phase``, however it ends."""
        begin = time.monotonic()
        try:
            return work()
        finally:
            known = self._all()
            known[phase] = known.get(phase, 0.0) + time.monotonic() - begin
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, json.dumps(known))

    def _all(self) -> dict[str, float]:
        if not self.path.is_file():
            return {}
        known: dict[str, float] = json.loads(self.path.read_text(encoding="utf-8"))
        return known
