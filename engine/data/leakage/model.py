"""What a leakage report holds: findings in plain words with counts, and what was looked at and found clean."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Severity = Literal["info", "warning", "serious"]
"""``serious``: results on this split may mean nothing; people must say that they know before they launch a run."""
SEVERITIES: tuple[Severity, ...] = ("serious", "warning", "info")
SHOWN = 10
"""Examples that a finding names at most."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(_Frozen):
    """One way in which what is tested may be known before the test."""

    check: str = Field(pattern="^[a-z]+(-[a-z]+)*$", description="name of the check, the same in every report")
    severity: Severity
    title: str = Field(description="what was found, in one line with its counts")
    text: str = Field(description="what it means")
    advice: str = Field(description="what to do about it")
    count: int = Field(ge=0, description="how many were found")
    of: int = Field(ge=0, description="of how many")
    column: str = Field("", description="the column of the items that it is about, if it is about one")
    examples: list[str] = Field(default_factory=list, max_length=SHOWN, description="ids of some that were found")


class LeakageReport(_Frozen):
    """What of the test can be known before it, for one version and one split of it."""

    version: str = Field(description="hash of the version")
    split: str = Field(description="kind of the split")
    split_hash: str
    users: int = Field(ge=0, description="users with a test target")
    findings: list[Finding] = Field(description="the most serious first")
    clean: list[str] = Field(description="what was looked at and found to be as it should, one sentence each")
    untold: list[str] = Field(description="what nobody can tell from the data, one sentence each")

    @property
    def serious(self) -> list[Finding]:
        """The findings that must be acknowledged."""
        return [finding for finding in self.findings if finding.severity == "serious"]


def share(count: int, of: int) -> str:
    """``38 %``, ``0.4 %``, ``less than 0.01 %``, ``nearly 100 %``: a count as a share, for people."""
    percent = 100 * count / of if of else 0.0
    if count and percent < 0.01:
        return "less than 0.01 %"
    if count < of and percent >= 99.5:
        return "nearly 100 %"
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.2g} %"


def plural(count: int, noun: str) -> str:
    """``1 item``, ``2,400 items``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
