"""The columns that a comparison can show: any metric of test or validation, and what else is known of a run."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from webapp.display import NOTHING, count, duration, moment, rate, score
from webapp.experiments import display
from webapp.experiments.models import Run

DEFAULT = ("test.ndcg@10", "test.hr@10", "valid.ndcg@10", "method", "preset", "seed", "parameters", "seconds")
PAIRED_METRICS = tuple(f"{name}@{cutoff}" for name in ("ndcg", "hr", "mrr") for cutoff in (1, 5, 10, 20))
"""Metrics that each user has alone, so that runs can be compared in pairs over users."""
_USUAL = (*PAIRED_METRICS, *(f"coverage@{cutoff}" for cutoff in (1, 5, 10, 20)))
_HIGHER_IS_BETTER = ("ndcg", "hr", "mrr")
_METRIC = re.compile(r"(test|valid)\.([a-z][a-z0-9_]{0,30}(?:@[1-9][0-9]{0,4})?)")
_SPLIT_WORDS = {"test": "test", "valid": "validation"}


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: as in the address.
        title: as people read it, with the unit.
        number: whether its values are numbers, or can be ordered as such.
        value: of a run: a number or text, None where there is none.
        show: a value as people read it.
        best: whether the highest value is the best one.
    """

    name: str
    title: str
    number: bool
    value: Callable[[Run], Any]
    show: Callable[[Any], str]
    best: bool = False

    @property
    def metric(self) -> str:
        """``ndcg@10`` of a test metric; empty for all else."""
        split, _, metric = self.name.partition(".")
        return metric if split == "test" else ""


def column(name: str) -> Column:
    """The column of that name; raises KeyError if there is none."""
    if name in _OTHERS:
        return _OTHERS[name]
    known = _METRIC.fullmatch(name)
    if known is None:
        raise KeyError(name)
    split, metric = known.groups()
    base, _, cutoff = metric.partition("@")
    words = base.upper() if base in _HIGHER_IS_BETTER else base.replace("_", " ").capitalize()
    title = f"{words}@{cutoff}, {_SPLIT_WORDS[split]}" if cutoff else f"{words}, {_SPLIT_WORDS[split]}"
    return Column(name, title, True, lambda run: getattr(run, split).get(metric), score, base in _HIGHER_IS_BETTER)


def is_column(name: str) -> bool:
    """Whether there may be such a column."""
    return name in _OTHERS or _METRIC.fullmatch(name) is not None


def offered(runs: Iterable[Run], chosen: tuple[str, ...]) -> list[dict[str, Any]]:
    """The groups of columns to choose from: the usual metrics, those that the runs have, and the rest."""
    there = {name for run in runs for name in (*run.test, *run.valid)}
    metrics = [*_USUAL, *sorted(name for name in there - set(_USUAL) if _METRIC.fullmatch(f"test.{name}"))]
    groups = [("Test", [f"test.{name}" for name in metrics]), ("Validation", [f"valid.{name}" for name in metrics])]
    groups.append(("Run", list(_OTHERS)))
    return [
        {"title": title, "columns": [{"name": name, "title": _short(name), "on": name in chosen} for name in names]}
        for title, names in groups
    ]


def seed(run: Run) -> int | None:
    """The seed of a run's training."""
    found = run.spec.get("training", {}).get("seed")
    return found if isinstance(found, int) else None


def _short(name: str) -> str:
    return column(name).title.partition(", ")[0]


def _words(value: Any) -> str:
    return NOTHING if value in (None, "") else str(value)


def _version(run: Run) -> str:
    return f"{run.version.dataset.name} v{run.version.number}"


_OTHERS = {
    made.name: made
    for made in (
        Column("method", "Method", False, lambda run: display.method_title(run.method), _words),
        Column("preset", "Preset", False, lambda run: run.preset, _words),
        Column("variant", "Variant", False, lambda run: run.variant.label if run.variant else "", _words),
        Column("version", "Data", False, _version, _words),
        Column("seed", "Seed", True, seed, _words),
        Column("parameters", "Trainable parameters", True, lambda run: run.trainable_parameters, count),
        Column("seconds", "Time", True, lambda run: run.seconds, duration),
        Column("speed", "Training speed, targets/s", True, lambda run: run.targets_per_second or None, rate),
        Column("epochs", "Epochs", True, lambda run: run.epochs, count),
        Column("best-epoch", "Best epoch", True, lambda run: run.best_epoch, count),
        Column("users", "Users evaluated", True, lambda run: run.users_evaluated, count),
        Column("finished", "Finished, UTC", True, lambda run: run.finished_at, lambda value: moment(value) or NOTHING),
    )
}
