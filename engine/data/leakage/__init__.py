"""The leakage report: what of the test can be known before it, in plain words with counts."""

from engine.data.leakage.clock import future_training, order_in_ids
from engine.data.leakage.columns import summaries
from engine.data.leakage.model import SEVERITIES, Finding, LeakageReport, Severity
from engine.data.leakage.rows import both_sides, counted_over_test, unseen
from engine.data.leakage.sides import Sides
from engine.data.leakage.texts import named_ids
from engine.data.split import Split
from engine.data.version import Version

__all__ = ["SEVERITIES", "Finding", "LeakageReport", "Severity", "leakage_report"]

_ALWAYS = (unseen, both_sides, counted_over_test, summaries, named_ids)
_WITH_TIMES = (future_training, order_in_ids)
_UNTOLD = (
    "Whether titles, categories and descriptions were written after the first test time: texts carry no date.",
    "Whether a pretrained language model has read about this data, or about what people liked after the test.",
)
_NO_TIMES = (
    "Whether training rows are later than the test targets of other users, and whether ids tell what is new: the times of this "
    "version are mere positions within each user.",
)


def leakage_report(version: Version, split: Split) -> LeakageReport:
    """Look for what could be known of the test of ``split`` before it; seconds for ten million interactions.

    Args:
        version: the data.
        split: any split of it.
    """
    sides = Sides.of(version, split)
    real = version.manifest.time == "real"
    found = [result for check in (*_ALWAYS, *(_WITH_TIMES if real else ())) for result in check(sides)]
    findings = [result for result in found if isinstance(result, Finding)]
    return LeakageReport(
        version=version.hash,
        split=split.kind,
        split_hash=split.hash,
        users=len(split.targets("test")[0]),
        findings=sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)),
        clean=[result for result in found if isinstance(result, str)],
        untold=[*_UNTOLD, *(() if real else _NO_TIMES)],
    )
