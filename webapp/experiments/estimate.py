"""What a run will cost, from what earlier ones did: arithmetic over records, without the database.

Nearest runs count: same version before others, then as few settings of the method that differ as there are. An epoch costs
what theirs cost, per interaction; how many there will be is what theirs took where they stopped by themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from engine.methods.darec.spec import DarecSpec
from engine.methods.ensemble_spec import EnsembleSpec
from engine.spec import RunSpec

MOST_RUNS = 9
"""Earlier runs that an estimate rests on at most."""
_OTHER_VERSION = 100.0
_OTHER_SETTING = 1.0
_OTHER_COURSE = 0.1
_NEAR = 1.0
"""Runs that are farther than the nearest one by more than this are left out."""
_COST = ("training.batch_size", "training.threads", "training.device", "training.clock", "split.kind")
"""Settings beside the method's own that change what an epoch costs."""
_COURSE = ("training.epochs", "training.minutes", "training.patience", "training.learning_rate", "training.evaluate_every")
"""Settings that change how many epochs there are."""
_STOPPED = 0.95
"""A run that used this share of its minutes was stopped by the clock."""


@dataclass(frozen=True)
class Record:
    """What an earlier run of the method did.

    Attributes:
        name: for people.
        settings: the spec by dotted path.
        seconds: of its last attempt; ``attempts`` says whether it had others.
        peak: bytes; None where nobody recorded them.
    """

    name: str
    version: int
    interactions: int
    settings: Mapping[str, Any]
    machine: str
    seconds: float
    epochs: int
    targets_per_second: float
    peak: int | None
    parameters: int | None
    attempts: int = 1


@dataclass(frozen=True)
class Range:
    """The middle of several values, the least and the most."""

    middle: float
    low: float
    high: float

    @staticmethod
    def over(values: Sequence[float]) -> "Range | None":
        """None for no values."""
        return Range(median(values), min(values), max(values)) if values else None


@dataclass(frozen=True)
class Estimate:
    """What a run will cost.

    Attributes:
        runs: the earlier runs that it rests on, nearest first; empty if there are none.
        machine: what they were computed on.
        same_version: whether they were runs on the chosen version.
        differing: settings of the method in which the nearest one differs.
        seconds: of the whole run, evaluation included; None without earlier runs.
        memory: bytes; None where nobody recorded them.
        limit: seconds after which training stops in any case, or None.
        limited: whether the limit decides how long it takes.
        at_most: whether some of the runs were stopped by limits of their own, so that nobody saw how long they would have taken.
        rate: supervised targets a second, or None.
    """

    runs: tuple[Record, ...]
    machine: str
    same_version: bool
    differing: int
    seconds: Range | None
    memory: Range | None
    limit: float | None
    limited: bool
    at_most: bool
    rate: float | None


def estimate(spec: RunSpec, version: int, interactions: int, records: Iterable[Record]) -> Estimate:
    """Estimate a run of ``spec``.

    Args:
        version: id of the version that is chosen; ``interactions`` are its rows.
        records: finished runs of the same method, newest first. The newest one's kind of machine is taken for the next one's.
    """
    settings = flattened(spec.model_dump(mode="json"))
    limit = None if spec.training.minutes is None else spec.training.minutes * 60
    known = [record for record in records if record.machine]
    machine = known[0].machine if known else ""
    far = [(_distance(record, version, settings), record) for record in known if record.machine == machine]
    nearest = min((away for away, _ in far), default=0.0)
    near = sorted((pair for pair in far if pair[0] <= nearest + _NEAR), key=lambda pair: pair[0])
    runs = tuple(record for _, record in near[:MOST_RUNS])
    if not runs:
        return Estimate((), "", False, 0, None, None, limit, False, False, None)
    wanted = [_seconds(record, spec, interactions) for record in runs]
    rates = [record.targets_per_second for record in runs if record.targets_per_second]
    limited = limit is not None and median(wanted) >= limit
    return Estimate(
        runs=runs,
        machine=machine,
        same_version=runs[0].version == version,
        differing=len(_differing(runs[0], settings)),
        seconds=Range.over([min(one, limit) if limit else one for one in wanted]),
        memory=Range.over([float(record.peak) for record in runs if record.peak]),
        limit=limit,
        limited=limited,
        at_most=not limited and any(_cut_short(record) for record in runs),
        rate=median(rates) if rates else None,
    )


def same_architecture(spec: RunSpec, version: int, records: Iterable[Record]) -> Record | None:
    """A run on this version whose method has just these settings: it has as many trainable parameters."""
    settings = flattened(spec.model_dump(mode="json"))
    for record in records:
        if record.version == version and record.parameters is not None and not _differing(record, settings, own_only=True):
            return record
    return None


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The leaves of nested settings by dotted path."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flattened(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _differing(record: Record, settings: Mapping[str, Any], *, own_only: bool = False) -> list[str]:
    paths = [path for path in settings if path.startswith("method.")]
    return [path for path in (*paths, *(() if own_only else _COST)) if record.settings.get(path) != settings.get(path)]


def _distance(record: Record, version: int, settings: Mapping[str, Any]) -> float:
    course = [path for path in _COURSE if record.settings.get(path) != settings.get(path)]
    away = _OTHER_SETTING * len(_differing(record, settings)) + _OTHER_COURSE * len(course)
    return away + (0.0 if record.version == version else _OTHER_VERSION)


def _seconds(record: Record, spec: RunSpec, interactions: int) -> float:
    """How long a run of ``spec`` would take if its epochs cost what ``record``'s did."""
    scale = interactions / record.interactions if record.interactions else 1.0
    if not record.epochs:
        return record.seconds * scale
    whole = record.seconds
    if record.attempts > 1 and record.targets_per_second:
        # The seconds are those of the last attempt alone.
        whole = max(whole, record.epochs * record.interactions / record.targets_per_second)
    return whole * scale * _epochs(record, spec) / record.epochs


def _epochs(record: Record, spec: RunSpec) -> int:
    """As many as ``record`` took if it stopped by itself; all that there may be, if only its limits stopped it."""
    most = spec.training.epochs * stages_of(spec)
    return most if _cut_short(record) else min(record.epochs, most)


def _cut_short(record: Record) -> bool:
    minutes, most = record.settings.get("training.minutes"), record.settings.get("training.epochs")
    return (minutes is not None and record.seconds >= _STOPPED * minutes * 60) or (most is not None and record.epochs >= most)


def stages_of(spec: RunSpec) -> int:
    """How many stages of training there are; each may take ``training.epochs``."""
    method = spec.method
    if isinstance(method, DarecSpec):
        return 2 if method.injection.kind != "none" and method.injection.share_of_time else 1
    return method.members if isinstance(method, EnsembleSpec) else 1
