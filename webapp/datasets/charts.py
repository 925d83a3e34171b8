"""Charts of a version's profile as shapes for an SVG that the server writes, each with the table that says the same."""

from collections.abc import Sequence
from typing import Any

from webapp.axes import Axis, axis
from webapp.display import count

WIDTH, HEIGHT = 520, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 12, 44
_MOST_LABELS = 8
_LABEL_WIDTH = 7.0
"""Pixels of one character, about."""
_WIDEST = 64
_GAP = 0.15
"""Share of a bar's place that stays empty."""


def profile_charts(profile: dict[str, Any]) -> list[dict[str, Any]]:
    """Charts of ``engine.data.profile.Profile`` as JSON; each has ``title``, ``words`` (what it shows, in a sentence), ``chart``,
    and ``head`` and ``rows`` of its table."""
    texts, times, popularity = profile["texts"], profile["times"], profile["popularity"]
    charts = [
        _histogram("Sequence lengths", "interactions of a user", "Users", profile["lengths"]["histogram"]),
        _popularity(popularity),
        _histogram("Items by popularity", "interactions of an item", "Items", popularity["items_by_interactions"], True),
    ]
    if times:
        charts.append(_periods(times))
    if profile["repeats"]["by_lag"]:
        title = "Repeats, by how long ago"
        charts.append(_histogram(title, "interactions since the same item", "Repeats", profile["repeats"]["by_lag"]))
    if texts["title_tokens"]:
        charts.append(_histogram("Title lengths", "tokens of a title", "Items", texts["title_tokens"]["histogram"]))
    return charts


def bars(labels: Sequence[str], values: Sequence[int], title: str) -> dict[str, Any]:
    """One bar for each value (0 or more) above its label; ``title`` names what is on the horizontal axis."""
    up = axis([0, max(*values, 1)], HEIGHT - _BOTTOM, _TOP, whole=True)
    place = (WIDTH - _LEFT - _RIGHT) / len(values)
    width = min(place * (1 - _GAP), _WIDEST)
    shapes = []
    for number, (label, value) in enumerate(zip(labels, values, strict=True)):
        top = up(value)
        shapes.append(
            {
                "x": round(_LEFT + (number + 0.5) * place - width / 2, 1),
                "y": top,
                "width": round(width, 1),
                "height": round(up.start - top, 1),
                "label": f"{label}: {count(value)}",
            }
        )
    middles = [round(_LEFT + (number + 0.5) * place, 1) for number in range(len(values))]
    longest = max(len(label) for label in labels)
    step = max(-(-len(values) // _MOST_LABELS), int(longest * _LABEL_WIDTH / place) + 1)
    return {**_frame(up, title, list(zip(middles, labels, strict=True))[::step]), "bars": shapes}


def _histogram(title: str, across: str, what: str, bins: list[dict[str, int]], open_end: bool = False) -> dict[str, Any]:
    labels = [_range(one, open_end and number == len(bins) - 1) for number, one in enumerate(bins)]
    values = [one["count"] for one in bins]
    most = labels[values.index(max(values))]
    return {
        "title": title,
        "words": f"{what} by {across}; most have {most}.",
        "chart": bars(labels, values, across),
        "head": [across.capitalize(), what],
        "rows": [(label, count(value)) for label, value in zip(labels, values, strict=True)],
    }


def _range(one: dict[str, int], open_end: bool) -> str:
    if open_end and one["high"] > one["low"]:
        return f"{one['low']}+"
    return f"{one['low']:,}" if one["low"] == one["high"] else f"{one['low']:,}-{one['high']:,}"


def _popularity(popularity: dict[str, Any]) -> dict[str, Any]:
    across = axis([0, 100], _LEFT, WIDTH - _RIGHT, whole=True)
    up = axis([0, 100], HEIGHT - _BOTTOM, _TOP, whole=True)
    points = [(point["items"] * 100, point["interactions"] * 100) for point in popularity["curve"]]
    path = " ".join(f"{across(items)},{up(interactions)}" for items, interactions in points)
    tenth = next((point for point in points if point[0] >= 10), points[-1])
    labels = [(across(tick), f"{tick:g}") for tick in across.ticks]
    chart = _frame(up, "share of the catalogue, the most popular first, %", labels)
    chart["line"] = path
    chart["level"] = f"{across(0)},{up(0)} {across(100)},{up(100)}"
    return {
        "title": "Popularity curve",
        "words": f"The most popular {tenth[0]:.3g} % of the items have {tenth[1]:.3g} % of the interactions. "
        "The dashed line is what it would be if all items were equally popular.",
        "chart": chart,
        "head": ["Most popular items", "Their interactions"],
        "rows": [(f"{items:.3g} %", f"{interactions:.3g} %") for items, interactions in points[1:]],
    }


def _periods(times: dict[str, Any]) -> dict[str, Any]:
    unit, periods = times["unit"], times["periods"]
    cut = {"hour": 16, "month": 7, "quarter": 7, "year": 4, "decade": 4}.get(unit, 10)
    labels = [period["start"][:cut].replace("T", " ") for period in periods]
    values = [period["interactions"] for period in periods]
    busiest = labels[values.index(max(values))]
    return {
        "title": "Interactions over time",
        "words": f"Interactions a {unit} (UTC); most in the {unit} from {busiest}.",
        "chart": bars(labels, values, f"{unit} (UTC)"),
        "head": [f"{unit.capitalize()} from", "Interactions"],
        "rows": [(label, count(value)) for label, value in zip(labels, values, strict=True)],
    }


def _frame(up: Axis, title: str, labels: list[tuple[float, str]]) -> dict[str, Any]:
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": _LEFT,
        "right": WIDTH - _RIGHT,
        "bottom": HEIGHT - _BOTTOM,
        "middle": (_LEFT + WIDTH - _RIGHT) / 2,
        "x": labels,
        "y": [(up(tick), count(round(tick))) for tick in up.ticks],
        "title": title,
    }
