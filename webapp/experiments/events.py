"""A run's learning curve, from what it reported: thinned out in SQL, so that a page stays small however long the run is."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from webapp.display import score
from webapp.experiments.models import Run, RunEvent

MAIN_METRIC = "ndcg@10"
POINTS = 250
"""At most about so many points a line."""
GENERATIONS = 20
"""A run may extend one that extended another: so many steps back are drawn."""
FAMILY = f"""WITH RECURSIVE family AS (
    SELECT id, continues_id, 0 AS back FROM {Run._meta.db_table} WHERE id = %(run)s
    UNION ALL
    SELECT older.id, older.continues_id, back + 1 FROM {Run._meta.db_table} older
    JOIN family ON older.id = family.continues_id WHERE back < %(generations)s
)"""  # nosec B608  # the table's name alone; values are parameters  # noqa: S608 - table name of ours
"""The beginning of a query about ``run`` and those that it extends, at most ``generations`` steps ``back``."""

# Of each step the newest report counts: a later attempt repeats what the former did after its last checkpoint, and a run that
# extends another what that one did after the checkpoint that was copied. A line of too many points is cut into stretches of
# which the lowest and the highest stay, so that no dip and no best epoch is lost.
_SQL = f"""
{FAMILY}, points AS MATERIALIZED (
    SELECT back, attempt, sequence, payload->>'split' AS split,
        (payload->>'step')::bigint AS step, (payload->>'epoch')::bigint AS epoch,
        (CASE payload->>'split' WHEN 'train' THEN payload->'values'->>'loss'
            ELSE payload->'values'->>%(metric)s END)::float AS value
    FROM family JOIN {RunEvent._meta.db_table} event ON event.run_id = family.id
    WHERE type = 'metric' AND payload->>'split' IN ('train', 'valid')
), begins AS (
    SELECT back, min(step) AS step FROM points GROUP BY back
), newest AS (
    SELECT DISTINCT ON (split, step) split, step, epoch, value FROM points
    WHERE value IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM begins WHERE begins.back < points.back AND begins.step <= points.step
    )
    ORDER BY split, step, back, attempt DESC, sequence DESC
), stretches AS (
    SELECT *, count(*) OVER (PARTITION BY split) AS total,
        ntile(%(stretches)s) OVER (PARTITION BY split ORDER BY step) AS stretch,
        row_number() OVER (PARTITION BY split ORDER BY step DESC) AS from_end
    FROM newest
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY split, stretch ORDER BY value, step) AS lowest,
        row_number() OVER (PARTITION BY split, stretch ORDER BY value DESC, step) AS highest
    FROM stretches
)
SELECT split, step, epoch, value, total FROM ranked
WHERE total <= %(points)s OR lowest = 1 OR highest = 1 OR from_end = 1
UNION ALL
SELECT 'attempt', min(step), min(epoch), attempt, 0 FROM points WHERE back = 0 GROUP BY attempt
ORDER BY 1, 2
"""  # nosec B608  # names of tables alone; values are parameters  # noqa: S608 - table names of ours


@dataclass(frozen=True)
class Point:
    """A value that was reported after so many steps and epochs."""

    step: int
    epoch: int
    value: float


@dataclass(frozen=True)
class Curve:
    """A run's learning curve, with those of the runs that it extends before it.

    Attributes:
        valid: NDCG@10 on validation; ``loss``: of training. In order of their steps.
        total: how many points there are without thinning, of the longer line.
        marks: where attempts after the first begin: label, and the first step and epoch that were reported.
    """

    valid: list[Point]
    loss: list[Point]
    total: int
    marks: list[tuple[str, int, int]]

    @property
    def by_step(self) -> bool:
        """Whether the loss was reported within epochs, so that only steps tell points apart."""
        return len({point.epoch for point in self.loss}) < len(self.loss)


def curve(run: Run) -> Curve:
    """The curve of ``run``, by one query."""
    values: dict[str, str | int] = {
        "run": run.pk,
        "metric": MAIN_METRIC,
        "points": POINTS,
        "stretches": POINTS // 2,
        "generations": GENERATIONS,
    }
    lines: dict[str, list[Point]] = {"valid": [], "train": [], "attempt": []}
    total = 0
    with connection.cursor() as cursor:
        cursor.execute(_SQL, values)
        for line, step, epoch, value, count in cursor.fetchall():
            lines[line].append(Point(step, epoch, value))
            total = max(total, count)
    marks = [(_mark(run, int(begin.value)), begin.step, begin.epoch) for begin in lines["attempt"]]
    # Where the first attempt begins is the start of the chart, unless it goes on with another run's training.
    return Curve(lines["valid"], lines["train"], total, marks[0 if run.continues_id is not None else 1 :])


def _mark(run: Run, attempt: int) -> str:
    return f"{run} begins" if run.continues_id is not None and attempt == 1 else f"attempt {attempt}"


def curve_rows(found: Curve) -> list[dict[str, Any]]:
    """The curve as a table, newest first; the best evaluation is marked."""
    losses = {point.step: point for point in found.loss}
    values = {point.step: point for point in found.valid}
    best = max((point.value for point in found.valid), default=None)
    rows = []
    for step in sorted({*losses, *values}, reverse=True):
        loss, value = losses.get(step), values.get(step)
        rows.append(
            {
                "epoch": (loss or value).epoch,  # type: ignore[union-attr]
                "step": f"{step:,}",
                "loss": f"{loss.value:.4f}" if loss else "",
                "ndcg": score(value.value) if value else "",
                "best": value is not None and value.value == best,
            }
        )
    return rows


def chart(found: Curve) -> dict[str, Any]:
    """The curve's numbers for the chart script: points as [x, value], and marks; nothing of it is anybody's text."""
    by_step = found.by_step

    def line(points: list[Point]) -> list[list[float]]:
        return [[point.step if by_step else point.epoch, point.value] for point in points]

    marks = [[step if by_step else epoch - 0.5, label] for label, step, epoch in found.marks]
    return {"unit": "step" if by_step else "epoch", "valid": line(found.valid), "loss": line(found.loss), "marks": marks}
