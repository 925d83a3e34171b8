"""A whole search as one config: the full training that it is for, the space, and what a trial may cost. No torch here."""

from typing import Literal

from pydantic import model_validator

from engine.errors import SpecError
from engine.fields import setting
from engine.methods.darec.spec import DarecSpec
from engine.search.levels import levels_of
from engine.search.spec import SearchSpec
from engine.search.trial import Candidate
from engine.spec import RunSpec, override, parse_spec


class SearchPlan(SearchSpec):
    """Search settings on top of a run: the run is the full training that the winner gets in the end."""

    run: RunSpec
    share: float = setting(
        0.12, "part of the joint stage's time that a trial gets; the CF model's own stage is trained once for all", gt=0, le=1
    )
    stopping: Literal["median", "none"] = setting(
        "median", "median: a trial ends early whose best value so far is below the median of what the others had in the same time"
    )
    final_seeds: int = setting(
        3, "fresh seeds that the winner and uniform LoRA of its size are retrained on", "seeds", ge=1, le=20
    )

    @model_validator(mode="after")
    def _run_fits(self) -> "SearchPlan":
        if not isinstance(self.run.method, DarecSpec):
            raise ValueError(f"run.method: got {self.run.method.id}, must be darec: only it has adapters to search")
        if self.run.training.minutes is None:
            raise ValueError("run.training.minutes: is missing; a search needs to know how long a full training is")
        if not self.run.evaluation.test:
            raise ValueError("run.evaluation.test: got false, must be true: the final comparison is on the test targets")
        for further in self.space.further:
            value = further.start if further.start is not None else levels_of(further)[0]
            try:
                parse_spec(override(self.run.model_dump(mode="json"), {further.path: value}))
            except SpecError as error:
                raise ValueError(f"space.further {further.path}: {error}") from error
        return self

    @property
    def method(self) -> DarecSpec:
        """The method of the run."""
        assert isinstance(self.run.method, DarecSpec)  # noqa: S101 - checked above
        return self.run.method

    @property
    def stage_minutes(self) -> tuple[float, float]:
        """Minutes of a full training for the CF model alone, and for the joint stage."""
        minutes, injection = self.run.training.minutes or 0.0, self.method.injection
        alone = minutes * injection.share_of_time if injection.kind != "none" else 0.0
        return alone, minutes - alone


def full_settings(candidate: Candidate) -> dict[str, object]:
    """The dotted settings that make a run train ``candidate``."""
    return {"method.architecture": ", ".join(str(choice) for choice in candidate.architecture), **candidate.settings}


def full_run(plan: SearchPlan, candidate: Candidate) -> RunSpec:
    """The full training of ``candidate``."""
    return parse_spec(override(plan.run.model_dump(mode="json"), full_settings(candidate)))


def trial_run(plan: SearchPlan, candidate: Candidate, floors: tuple[float, ...] = ()) -> RunSpec:
    """A trial of ``candidate``: the CF model's own stage as in the full training, ``plan.share`` of the joint stage.

    The test targets are left alone: only what is retrained in the end is tested. The start of the joint stage is the same in all
    trials, so it is not among the values that a trial is judged by: where it is better than what a short stage reaches, all
    trials would be worth the same.

    Args:
        floors: what its best value must have reached in each of equal parts of the joint stage, see ``TrainingSpec.stop_below``.
    """
    alone, joint = plan.stage_minutes
    joint *= plan.share
    settings = {
        "training.minutes": alone + joint,
        "training.stop_below": floors,
        "training.keep_start": False,
        "evaluation.test": False,
        **({"method.injection.share_of_time": alone / (alone + joint)} if alone else {}),
    }
    return parse_spec(override(full_run(plan, candidate).model_dump(mode="json"), settings))
