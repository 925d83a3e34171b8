"""A difference of two versions as its page shows it: counts, samples, filters, columns."""

from typing import Any

from webapp.display import NOTHING, count

_NOUNS = ("users", "items", "interactions")


def difference_context(found: dict[str, Any], before: int, after: int) -> dict[str, Any]:
    """The parts of the page.

    Args:
        found: ``engine.data.difference.Difference`` as JSON.
        before, after: numbers of the two versions.
    """
    numbers = {"gone": before, "new": after}
    counts = [
        {
            "name": noun.capitalize(),
            "before": count(found["counts_before"][noun]),
            "after": count(found["counts_after"][noun]),
            **{side: count(found[f"{noun}_{side}"]["count"]) for side in numbers},
        }
        for noun in _NOUNS
    ]
    samples = [_alone(noun, number, found[f"{noun}_{side}"]) for noun in _NOUNS for side, number in numbers.items()]
    samples += [_changes(change, before, after) for change in found["changes"]]
    columns = [f"{name}: only in v{number}" for side, number in numbers.items() for name in found[f"columns_{side}"]]
    filters = [
        {"name": one["name"].replace("-", " "), **{side: _settings(one[side]) for side in ("before", "after")}}
        for one in found["filters"]
    ]
    return {
        "same": found["before"] == found["after"],
        "counts": counts,
        "samples": [part for part in samples if part["rows"]],
        "columns": columns,
        "filters": filters,
    }


def _alone(noun: str, number: int, part: dict[str, Any]) -> dict[str, Any]:
    title, rows = f"{noun.capitalize()} only in v{number}", part["samples"]
    if noun != "interactions":
        return {"title": title, "shown": _shown(len(rows), part["count"]), "headings": ["Id"], "rows": [[one] for one in rows]}
    cells = [[row["user"], row["item"], str(row["timestamp"]), f"{row['weight']:g}", count(row["times"])] for row in rows]
    return {
        "title": title,
        "shown": _shown(len(rows), part["count"]),
        "headings": ["User", "Item", "Time", "Weight", "Times"],
        "rows": cells,
    }


def _changes(change: dict[str, Any], before: int, after: int) -> dict[str, Any]:
    return {
        "title": f"Changed: {change['column']}",
        "shown": _shown(len(change["samples"]), change["count"]),
        "headings": ["Item", f"v{before}", f"v{after}"],
        "rows": [[one["item"], one["before"] or NOTHING, one["after"] or NOTHING] for one in change["samples"]],
    }


def _shown(shown: int, of: int) -> str:
    return count(of) if shown >= of else f"{count(shown)} of {count(of)} shown"


def _settings(settings: dict[str, Any] | None) -> str:
    if settings is None:
        return "not applied"
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings.items()) or "applied"
