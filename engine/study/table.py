"""The table of a study: many runs, one line a variant. No torch here."""

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from engine.errors import UserError
from engine.evaluation.compare import Comparison, RankTable, paired, read_ranks
from engine.result import DataCounts, Protocol, Result
from engine.study.folder import finished, read_result
from engine.study.variant import Member, Study

MAIN_METRIC = "ndcg@10"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StudyRow(_Frozen):
    """One variant; all values are means over its finished seeds."""

    variant: str
    sentence: str
    seeds: list[int] = Field(description="the seeds that are finished")
    test: dict[str, float]
    deviation: dict[str, float] = Field(description="standard deviation over seeds (n - 1) of test metrics; empty with one seed")
    valid: dict[str, float]
    slices: dict[str, float] = Field(description="test NDCG@10 of each slice that has users, e.g. items/tail")
    comparison: Comparison | None = Field(
        description="test NDCG@10 against the base, paired over users; None for the base itself"
    )
    trainable_parameters: int
    seconds: float
    epochs: float


class StudyTable(_Frozen):
    """All that is finished of a study."""

    base: str
    seeds: list[int]
    data: DataCounts | None
    users_evaluated: int
    protocol: Protocol | None = Field(description="under which all numbers were measured; None while nothing is finished")
    rows: list[StudyRow]
    missing: list[str] = Field(description="runs that are not finished, as label/seed-N")


def study_table(study: Study, out: Path) -> StudyTable:
    """Collect what stands below ``out``; a variant without a finished run has no row.

    Raises:
        UserError: a result is damaged, or was measured under another protocol than the others.
    """
    results = {item.place: read_result(out / item.place) for item in study.runs() if finished(out / item.place)}
    first = next(iter(results.values()), None)
    for place, result in results.items():
        if first is not None and (result.protocol, result.users_evaluated) != (first.protocol, first.users_evaluated):
            raise UserError(f"{out / place} was measured under another protocol.", "Choose a fresh folder for --out.")
    places = {member.label: {seed: f"{member.label}/seed-{seed}" for seed in study.seeds} for member in study.members}
    done = {label: {seed: place for seed, place in own.items() if place in results} for label, own in places.items()}
    ranks = {label: [read_ranks(out / place / "ranks_test.parquet") for place in own.values()] for label, own in done.items()}
    rows = [
        _row(member, {seed: results[place] for seed, place in done[member.label].items()}, _against(study, member, ranks))
        for member in study.members
        if done[member.label]
    ]
    return StudyTable(
        base=study.base.label,
        seeds=list(study.seeds),
        data=first.data if first else None,
        users_evaluated=first.users_evaluated if first else 0,
        protocol=first.protocol if first else None,
        rows=rows,
        missing=[item.place for item in study.runs() if item.place not in results],
    )


def _against(study: Study, member: Member, ranks: dict[str, list[RankTable]]) -> Comparison | None:
    base = ranks[study.base.label]
    if member is study.base or not base or not ranks[member.label]:
        return None
    return paired(ranks[member.label], base, MAIN_METRIC)


def _row(member: Member, results: dict[int, Result], comparison: Comparison | None) -> StudyRow:
    runs = list(results.values())
    test = [run.test for run in runs]
    slices = [{f"{line.of}/{line.name}": line.metrics[MAIN_METRIC] for line in run.slices if line.metrics} for run in runs]
    return StudyRow(
        variant=member.label,
        sentence=member.sentence,
        seeds=list(results),
        test=_means(test),
        deviation={name: float(np.std([run[name] for run in test], ddof=1)) for name in test[0]} if len(test) > 1 else {},
        valid=_means([run.valid for run in runs]),
        slices=_means(slices),
        comparison=comparison,
        trainable_parameters=runs[0].trainable_parameters,
        seconds=round(float(np.mean([run.seconds for run in runs])), 2),
        epochs=round(float(np.mean([run.epochs for run in runs])), 2),
    )


def _means(values: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([run[name] for run in values])) for name in values[0]}
