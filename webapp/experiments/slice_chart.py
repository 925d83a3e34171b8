"""Slices of the test users with their intervals, as shapes for an SVG that the server writes; the table beneath says the same."""

from typing import Any

from webapp.axes import axis
from webapp.display import score
from webapp.experiments.events import MAIN_METRIC
from webapp.experiments.models import Run

WIDTH = 560
_ROW, _LEFT, _RIGHT, _TOP, _BOTTOM = 26, 150, 56, 8, 44


def slice_chart(run: Run) -> dict[str, Any] | None:
    """A row for each slice that has users: its NDCG@10 as a point, its interval as a line; all users' as a level.

    None where no slice has an interval, as in older runs.
    """
    lines = [line for line in run.slices if MAIN_METRIC in line.get("intervals", {})]
    if not lines:
        return None
    ends = [end for line in lines for end in line["intervals"][MAIN_METRIC]]
    whole = run.test.get(MAIN_METRIC)
    across = axis([*ends, *([whole] if whole is not None else [])], _LEFT, WIDTH - _RIGHT, zero=True)
    rows = []
    for number, line in enumerate(lines):
        low, high = line["intervals"][MAIN_METRIC]
        middle = _TOP + (number + 0.5) * _ROW
        rows.append(
            {
                "y": middle,
                "label": f"{line['of']}: {line['name']} {line['bounds']}",
                "whisker": f"M{across(low)},{middle}H{across(high)}M{across(low)},{middle - 5}v10M{across(high)},{middle - 5}v10",
                "x": across(line["metrics"][MAIN_METRIC]),
                "words": f"{line['name']}: NDCG@10 {score(line['metrics'][MAIN_METRIC])}, {score(low)} to {score(high)}",
            }
        )
    bottom = _TOP + len(lines) * _ROW
    return {
        "width": WIDTH,
        "height": bottom + _BOTTOM,
        "bottom": bottom,
        "top": _TOP,
        "left": _LEFT,
        "middle": (_LEFT + WIDTH - _RIGHT) / 2,
        "rows": rows,
        "ticks": [(across(tick), f"{tick:.3g}") for tick in across.ticks],
        "level": across(whole) if whole is not None else None,
        "level_words": score(whole),
    }
