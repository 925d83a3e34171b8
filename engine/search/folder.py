"""A local search on disk: the trials, each a folder with what was proposed and the run; nothing else is remembered. No torch."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.durable import write_whole
from engine.errors import UserError
from engine.result import Result
from engine.seal import read_sealed, write_sealed
from engine.search.plan import SearchPlan
from engine.search.trial import Candidate, Proposal, Trial, trial_value
from engine.spec import validate
from engine.study.folder import finished, read_result

PLAN, PROPOSAL, FAILURE = "search.json", "proposal.json", "failure.txt"


@dataclass(frozen=True)
class TrialFolder:
    """One trial's files."""

    number: int
    path: Path

    @property
    def run(self) -> Path:
        """The folder of its run."""
        return self.path / "run"

    def write(self, proposal: Proposal, parameters: int) -> None:
        """Keep what was proposed, before anything is trained."""
        about = {
            **proposal.candidate.to_json(),
            "parameters": parameters,
            **{key: value for key, value in asdict(proposal).items() if key != "candidate"},
        }
        self.path.mkdir(parents=True, exist_ok=True)
        write_sealed(self.path / PROPOSAL, about)

    def fail(self, problem: str) -> None:
        """Keep why the run failed: the trial is not tried again."""
        write_whole(self.path / FAILURE, problem)

    def proposal(self) -> dict[str, Any]:
        """What was proposed; raises UserError if it is damaged or was changed."""
        return read_sealed(self.path / PROPOSAL)

    def result(self) -> Result | None:
        """The run's result, None while it is not finished."""
        return read_result(self.run) if finished(self.run) else None

    def trial(self) -> Trial:
        """The trial as the optimiser sees it; one whose run has neither ended nor failed is running."""
        about = self.proposal()
        candidate = Candidate.from_json(about)
        number, parameters, origin = self.number, int(about["parameters"]), str(about["origin"])
        result = self.result()
        if result is not None:
            value, fidelity = trial_value(result.valid, result.stopped_below, result.curve_at)
            return Trial(number, candidate, "done", value, None, parameters, fidelity, origin)
        state = "failed" if (self.path / FAILURE).is_file() else "running"
        return Trial(number, candidate, state, parameters=parameters, origin=origin)  # type: ignore[arg-type]


class SearchFolder:
    """The folder of a local search."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def claim(self, plan: SearchPlan, version: str) -> None:
        """Write the plan, or check that the one there is the same but for the number of trials, which may grow.

        Raises UserError if the folder holds another search.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        about = {"plan": plan.model_dump(mode="json"), "version": version}
        if (self.path / PLAN).is_file():
            found = read_sealed(self.path / PLAN)
            own = validate(SearchPlan, found["plan"]).model_copy(update={"trials": plan.trials})
            if own != plan or found["version"] != version:
                raise UserError(f"{self.path} holds another search (other settings or version).", "Choose a fresh --out.")
        write_sealed(self.path / PLAN, about)

    def trials(self) -> list[TrialFolder]:
        """All trials that were proposed, by number."""
        found = sorted(path for path in self.path.glob("trials/[0-9]*") if (path / PROPOSAL).is_file())
        return [TrialFolder(int(path.name), path) for path in found]

    def trial(self, number: int) -> TrialFolder:
        """The folder of trial ``number``."""
        return TrialFolder(number, self.path / "trials" / f"{number:04d}")
