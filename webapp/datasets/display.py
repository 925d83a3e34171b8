"""Datasets and versions as the pages show them."""

from typing import Any

from webapp.datasets.models import Version, VersionState
from webapp.display import NOTHING, count, moment, since

_SHAPES = {
    VersionState.QUEUED: "…",
    VersionState.INGESTING: "●",
    VersionState.READY: "✓",
    VersionState.FAILED: "✕",
}
_FILTER_WORDS = {"core": "core", "minimum_rating": "minimum rating"}
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
        "active": version.state in ACTIVE_STATES,
        "ready": version.state == VersionState.READY,
        "users": count(version.users),
        "items": count(version.items),
        "interactions": count(version.interactions),
        "hash": version.hash[:10],
        "made": moment(version.created_at),
        "age": since(version.created_at),
        "filters": filter_line(version.filters),
    }


def state(version: Version) -> dict[str, str]:
    """The state's shape and word, and the name of its colour."""
    known = VersionState(version.state)
    return {"name": known.value, "shape": _SHAPES[known], "word": known.label}


def filter_line(filters: dict[str, Any]) -> str:
    """Filters in words: ``core 5``; ``no filters``."""
    parts = [f"{_FILTER_WORDS.get(name, name)} {value}" for name, value in filters.items() if value not in (None, 0, "", [])]
    return ", ".join(parts) or "no filters"


def manifest_rows(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """The manifest's plain values as rows; nested ones on a line each, file hashes cut to ten digits."""
    rows: list[tuple[str, str]] = []
    for name, value in manifest.items():
        if isinstance(value, dict):
            rows.extend((f"{name} · {inner}", _plain(content)) for inner, content in value.items())
        else:
            rows.append((name, _plain(value)))
    return [(name.replace("_", " "), text) for name, text in rows]


def _plain(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: NOTHING}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return "; ".join(_plain(member) for member in value) or NOTHING
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_plain(content)}" for name, content in value.items())
    text = str(value)
    return f"{text[:10]}…" if len(text) == 64 and text.isalnum() else text
