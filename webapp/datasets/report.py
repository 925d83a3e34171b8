"""What the report of a version shows: notices by file, and the rows that were left out."""

from typing import Any

from webapp.datasets.models import Version
from webapp.display import count

REJECTED_NAME = "rejected.csv"
"""File with the rows that were left out, in the version's folder in the storage."""


def rejected_key(version: Version) -> str:
    """Where the list of left-out rows is in the storage; empty if there is none."""
    return f"{version.storage_key}/{REJECTED_NAME}" if version.storage_key and version.report.get("rejected") else ""


def report_context(version: Version) -> dict[str, Any]:
    """Notices grouped by file, and reasons with counts and lines."""
    groups: dict[str, list[str]] = {}
    names = sorted((name.rpartition("/")[2] for name in version.manifest.get("sources", {})), key=len, reverse=True)
    for notice in version.notices:
        name = next((name for name in names if notice.startswith(name)), "")
        groups.setdefault(name, []).append(notice.removeprefix(name).lstrip(": ") if name else notice)
    reasons = [
        {
            "file": reason["file"],
            "reason": reason["reason"],
            "count": count(reason["count"]),
            "lines": ", ".join(f"{line:,}" for line in reason["lines"])
            + (", …" if reason["count"] > len(reason["lines"]) else ""),
        }
        for reason in version.report.get("reasons", [])
    ]
    return {"groups": list(groups.items()), "reasons": reasons, "rejected": count(version.report.get("rejected", 0))}
