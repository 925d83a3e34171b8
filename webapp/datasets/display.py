"""Datasets and versions as the pages show them."""

import datetime
from typing import Any

from engine.data.edits import Edits
from webapp.datasets.models import Dataset, Review, Version, VersionState
from webapp.display import NOTHING, count, moment, since, size

_SHAPES = {
    VersionState.QUEUED: "…",
    VersionState.INGESTING: "●",
    VersionState.READY: "✓",
    VersionState.FAILED: "✕",
    VersionState.DELETED: "∅",
}
_REVIEW_SHAPES = {Review.SUBMITTED: "…", Review.APPROVED: "✓", Review.REJECTED: "✕", Review.ARCHIVED: "▪"}
CARD = ("source", "licence", "purpose", "contact", "known_faults")
_FILTER_WORDS = {"core": "core", "minimum_rating": "minimum rating"}
_LISTED = 3
"""Longer lists are only counted."""
ACTIVE_STATES = (VersionState.QUEUED, VersionState.INGESTING)


def version_row(version: Version) -> dict[str, Any]:
    """What lists and pages show of a version."""
    return {
        "pk": version.pk,
        "dataset": version.dataset.name,
        "dataset_pk": version.dataset_id,
        "generated": version.dataset.generated,
        "number": version.number,
        "state": state(version),
        "review": review_state(version),
        "active": version.state in ACTIVE_STATES,
        "ready": version.state == VersionState.READY,
        "deleted": version.state == VersionState.DELETED,
        "deleted_at": moment(version.deleted_at),
        "users": count(version.users),
        "items": count(version.items),
        "interactions": count(version.interactions),
        "hash": version.hash[:10],
        "made": moment(version.created_at),
        "age": since(version.created_at),
        "filters": filter_line(version.filters),
    }


_STEPS = {"reading": "Reading", "checking": "Checking", "filtering": "Filtering", "writing": "Writing"}


def going(version: Version) -> dict[str, Any]:
    """How far reading is: the steps, each done, current or to come, and of the current one the share, if it is known."""
    step = str(version.progress.get("step", ""))
    place = list(_STEPS).index(step) if step in _STEPS else -1
    marks = ["done" if at < place else "now" if at == place else "to come" for at in range(len(_STEPS))]
    done, of = int(version.progress.get("done", 0)), int(version.progress.get("of", 0))
    return {
        "steps": list(zip(_STEPS.values(), marks, strict=True)),
        "share": min(100, round(100 * done / of)) if of else None,
        "words": f"{size(done)} of {size(of)}" if of else "",
    }


def state(version: Version) -> dict[str, str]:
    """The state's shape and word, and the name of its colour."""
    known = VersionState(version.state)
    return {"name": known.value, "shape": _SHAPES[known], "word": known.label}


def filter_line(filters: dict[str, Any]) -> str:
    """Filters in words: ``core 5``; ``no filters``."""
    parts = [
        f"{_FILTER_WORDS.get(name, name.replace('_', ' '))} {_short(value)}"
        for name, value in filters.items()
        if value not in (None, 0, "", [])
    ]
    return ", ".join(parts) or "no filters"


def _short(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    return " | ".join(map(str, value)) if len(value) <= _LISTED else f"({count(len(value))})"


def review_state(version: Version) -> dict[str, str] | None:
    """Shape and word of what people think of the version; None where nobody has said anything."""
    now = Review(version.review)
    return {"name": now.value, "shape": _REVIEW_SHAPES[now], "word": now.label} if now else None


def card(dataset: Dataset) -> list[tuple[str, str]]:
    """The data card, name and text; empty if nothing of it is written."""
    texts = [(name.replace("_", " ").capitalize(), getattr(dataset, name)) for name in CARD]
    return texts if any(text for _, text in texts) else []


def change_line(version: Version) -> str:
    """What was changed of its parent, in words: ``merged items: 2, core 5``."""
    edits = Edits.model_validate(version.edits)
    parts = [f"{what}: {count(number)}" for what, number in edits.summary().items() if number]
    if any(value not in (None, 0, "", []) for value in version.filters.values()):
        parts.append(filter_line(version.filters))
    return ", ".join(parts) or "nothing"


def facts(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """What the manifest says about the data, name and value."""
    numbers = manifest.get("statistics", {})
    rows = [("Times", _times(manifest))]
    if numbers:
        lengths = (f"{numbers[name]:,.12g}" for name in ("shortest", "median", "longest"))
        rows.append(("Interactions a user", "shortest {}, median {}, longest {}".format(*lengths)))
        rows.append(("Density", f"{numbers['density'] * 100:.3g} % of all pairs"))
        rows.append(("Repeats", f"{numbers['repeat_share'] * 100:.3g} % of the interactions repeat a pair of the same user"))
        rows.append(("Items without interactions", count(numbers["unused_items"])))
    return rows


def filter_steps(manifest: dict[str, Any]) -> list[dict[str, str]]:
    """The filters in the order in which they were applied, and what each removed."""
    return [filter_step(step) for step in manifest.get("filters", [])]


def filter_step(step: dict[str, Any]) -> dict[str, str]:
    """A filter, its settings in words, and what it removed."""
    settings = {name: value for name, value in step["settings"].items() if name != "sha256"}
    return {
        "name": str(step["name"]).replace("-", " "),
        "settings": ", ".join(f"{name.replace('_', ' ')} {_short(value)}" for name, value in settings.items()),
        "note": str(step.get("note", "")),
        **{part: count(step[f"{part}_removed"]) for part in ("interactions", "users", "items")},
    }


def sources(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """The uploaded files, each with the first digits of its SHA-256."""
    return [(name, str(digest)[:12]) for name, digest in manifest.get("sources", {}).items()]


def _times(manifest: dict[str, Any]) -> str:
    numbers, kind = manifest.get("statistics", {}), manifest.get("time")
    if kind != "real" or not numbers:
        return {"order": "given as an order", "position": "none given: the order of rows stands in"}.get(str(kind), NOTHING)
    try:
        days = [datetime.datetime.fromtimestamp(numbers[name], datetime.UTC).date() for name in ("first_time", "last_time")]
    except (OverflowError, ValueError, OSError):
        return "real, outside the calendar"
    return f"{days[0]} to {days[1]} (UTC)"
