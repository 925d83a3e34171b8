"""Learning curves of many runs, made smaller in the database: one query, and at most so many points a run come out of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from webapp.comparing.columns import seed
from webapp.comparing.fairness import Guarded
from webapp.comparing.loading import named
from webapp.display import NOTHING, count, duration, score
from webapp.experiments import display
from webapp.experiments.events import MAIN_METRIC
from webapp.experiments.models import Run

POINTS = 200
_FEWEST, _IN_ALL = 60, 10_000
_LEGEND_UP_TO = 20

# A later attempt's epoch replaces a former's. The best is found without sorting again: as the largest of (goodness, -epoch).
# A boolean is sorted faster than a text.
_SQL = """
WITH reported AS (
  SELECT run_id, attempt, sequence, created_at, payload->>'split' = 'valid' AS valid, (payload->>'epoch')::int AS epoch,
    (payload->'values'->>CASE payload->>'split' WHEN 'valid' THEN %(metric)s ELSE 'loss' END)::float8 AS value
  FROM experiments_runevent WHERE run_id = ANY(%(runs)s) AND type = 'metric' AND payload->>'split' IN ('train', 'valid')
), {timed}, points AS (
  SELECT DISTINCT ON (run_id, valid, epoch) run_id, valid, epoch, value, across
  FROM timed WHERE value IS NOT NULL
  ORDER BY run_id, valid, epoch, attempt DESC, sequence DESC
), numbered AS (
  SELECT *, row_number() OVER (PARTITION BY run_id, valid ORDER BY epoch) AS number,
    count(*) OVER line AS total,
    max(ARRAY[CASE WHEN valid THEN value ELSE -value END, -epoch]) OVER line AS best
  FROM points WINDOW line AS (PARTITION BY run_id, valid)
)
SELECT run_id, CASE WHEN valid THEN 'valid' ELSE 'train' END, max(total), (-max(best[2]))::int,
  CASE WHEN valid THEN max(best[1]) ELSE -max(best[1]) END,
  array_agg(epoch ORDER BY number), array_agg(across ORDER BY number), array_agg(value ORDER BY number)
FROM numbered
WHERE number = 1 OR number = total OR epoch = -best[2]
  OR number * %(between)s / total <> (number - 1) * %(between)s / total
GROUP BY run_id, valid
"""
_BY_EPOCH = "timed AS (SELECT *, epoch AS across FROM reported)"
# Working time: the pauses between attempts do not count.
_BY_TIME = """
stepped AS (
  SELECT *, extract(epoch FROM created_at - lag(created_at) OVER (PARTITION BY run_id, attempt ORDER BY sequence)) AS step
  FROM reported
), timed AS (
  SELECT *, (sum(coalesce(step, 0)) OVER (PARTITION BY run_id ORDER BY attempt, sequence) / 60)::float8 AS across FROM stepped
)"""


@dataclass(frozen=True)
class Line:
    """One curve of a run: the points that are kept of ``total``, among them the first, the last and the best.

    Attributes:
        best_epoch, best: the highest NDCG, or the lowest loss; the earliest of equals.
        epochs, values: of the points, in order of epochs.
        across: where they stand in the chart: the epoch, or minutes of work since the first report.
    """

    total: int
    best_epoch: int
    best: float
    epochs: list[int]
    across: list[float]
    values: list[float]


def points_of(runs: int) -> int:
    """How many points each of so many runs gets: of a hundred lines nobody sees more."""
    return max(_FEWEST, min(POINTS, _IN_ALL // max(runs, 1)))


def load_curves(runs: Sequence[int], clock: bool = False, points: int = POINTS) -> dict[tuple[int, str], Line]:
    """By run and split: ``valid``, NDCG@10 on validation, and ``train``, the loss. At most ``points`` (4 or more) a line."""
    statement = _SQL.format(timed=_BY_TIME if clock else _BY_EPOCH)
    with connection.cursor() as cursor:
        # The first, the last and the best may come on top of those that lie evenly between.
        cursor.execute(statement, {"metric": MAIN_METRIC, "runs": list(runs), "between": points - 3})
        return {(run, split): Line(*rest) for run, split, *rest in cursor.fetchall()}


def chart(guarded: Guarded, lines: dict[tuple[int, str], Line], clock: bool) -> dict[str, Any]:
    """The numbers for the chart script. Names hold ids and names of methods only, no text of anybody's."""
    many = len(guarded.classes) > 1
    valid: list[dict[str, Any]] = []
    loss: list[dict[str, Any]] = []
    for name, runs in _classes(guarded):
        for run in runs:
            label = f"{run} {display.method_title(run.method)}" + (f" · class {name}" if many and name else "")
            for split, into in (("valid", valid), ("train", loss)):
                line = lines.get((run.pk, split))
                if line is not None:
                    across = [round(value, 3) for value in line.across] if clock else line.across
                    into.append({"run": run.pk, "name": label, "x": across, "y": [float(f"{v:.5g}") for v in line.values]})
    return {
        "valid": valid,
        "loss": loss,
        "across": "minutes since the first report" if clock else "epoch",
        "legend": max(len(valid), len(loss)) <= _LEGEND_UP_TO,
        "order": [run.pk for _, runs in _classes(guarded) for run in runs],
    }


def rows(guarded: Guarded, lines: dict[tuple[int, str], Line]) -> list[dict[str, Any]]:
    """The curves as a table: for each run its first, best and last value, and how long it took."""
    return [
        _row(run, name, lines.get((run.pk, "valid")), lines.get((run.pk, "train")))
        for name, runs in _classes(guarded)
        for run in runs
    ]


def _classes(guarded: Guarded) -> list[tuple[str, list[Run]]]:
    return [*((one.name, one.runs) for one in guarded.classes), ("", guarded.unfinished)]


def _row(run: Run, name: str, valid: Line | None, loss: Line | None) -> dict[str, Any]:
    known = [line for line in (valid, loss) if line]
    return {
        **named(run),
        "class": name or "no result",
        "method": display.method_title(run.method),
        "seed": NOTHING if seed(run) is None else str(seed(run)),
        "epochs": count(max((line.epochs[-1] for line in known), default=None)),
        "first": score(valid.values[0]) if valid else NOTHING,
        "best": score(valid.best) if valid else NOTHING,
        "best_epoch": count(valid.best_epoch) if valid else NOTHING,
        "last": score(valid.values[-1]) if valid else NOTHING,
        "loss": f"{loss.values[-1]:.4f}" if loss else NOTHING,
        "took": duration(run.seconds),
    }
