"""The leakage report of a version as pages and launches need it."""

from typing import Any

from engine.errors import UserError
from webapp.datasets.models import Version

_WORDS = {"serious": ("✕", "serious"), "warning": ("⚠", "warning"), "info": ("i", "worth knowing")}


def serious_findings(version: Version) -> list[dict[str, Any]]:
    """What must be acknowledged before a launch: ``check``, ``column`` and ``title`` of each serious finding."""
    found = version.leakage.get("findings", [])
    return [{name: one[name] for name in ("check", "column", "title")} for one in found if one["severity"] == "serious"]


def require_acknowledgement(version: Version, acknowledged: bool) -> None:
    """Raises UserError if ``version`` has serious leaks that were not acknowledged."""
    serious = serious_findings(version)
    if serious and not acknowledged:
        raise UserError(
            f"{version} has serious leaks: {' '.join(one['title'] for one in serious)}",
            "Read its leakage report. If you launch all the same, say that you know: tick the box, or send "
            "acknowledge_leakage: true.",
        )


def summary(version: Version) -> dict[str, Any]:
    """What the version's page shows: the titles of the findings, the most serious first."""
    report = version.leakage
    findings = [finding_row(one) for one in report.get("findings", [])]
    return {
        "known": bool(report),
        "problem": report.get("problem", ""),
        "findings": findings,
        "clean": len(report.get("clean", [])),
    }


def finding_row(finding: dict[str, Any]) -> dict[str, Any]:
    """A finding with the shape and word of its severity."""
    shape, word = _WORDS[finding["severity"]]
    return {**finding, "shape": shape, "word": word}
