"""The manifest of a version: what it holds, where it came from, how it was filtered."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.data.raw import Time
from engine.data.statistics import Statistics
from engine.result import DataCounts

MANIFEST = "manifest.json"
FORMAT = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FilterStep(_Frozen):
    """One filter or edit, and what it took away.

    Users without a row left go with it. Items go if it is about items, or the k-core: else they stay in the catalogue.
    """

    name: Literal[
        "edit-items",
        "merge-items",
        "duplicates",
        "minimum-rating",
        "time-range",
        "exclude-users",
        "exclude-items",
        "categories",
        "without-categories",
        "sample-users",
        "k-core",
    ]
    settings: dict[str, Any] = Field(default_factory=dict)
    interactions_removed: int = Field(ge=0)
    users_removed: int = Field(ge=0)
    items_removed: int = Field(ge=0)
    note: str = ""


class Manifest(_Frozen):
    """The content of ``manifest.json``."""

    format: Literal[1] = 1
    hash: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 over the canonical logical rows")
    counts: DataCounts
    time: Time
    filters: list[FilterStep] = Field(description="in the order in which they were applied")
    statistics: Statistics
    sources: dict[str, str] = Field(description="SHA-256 of each source file, by name")
    parent: str | None = Field(None, description="hash of the version that this one was made from")
    notices: list[str] = Field(default_factory=list, description="what people should know, one sentence each")
    files: dict[str, str] = Field(description="SHA-256 of each file of the version, by name")
