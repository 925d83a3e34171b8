"""What filters would do: users, items and interactions before and after each, counted without writing anything."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from engine.data.coded import CodedRows
from engine.data.filtering import Filtering
from engine.data.manifest import FilterStep
from engine.data.prepare import require_two_users
from engine.data.raw import RawData
from engine.data.specs import FilterSpec
from engine.data.version import read_version
from engine.errors import DataError
from engine.result import DataCounts


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PreviewStep(_Frozen):
    """One filter with the counts after it."""

    step: FilterStep
    after: DataCounts


class FilterPreview(_Frozen):
    """Counts before the first filter, after each, and what would keep ``prepare`` from making a version of what is left."""

    before: DataCounts
    steps: list[PreviewStep]
    notices: list[str] = Field(description="what people should know, one sentence each")
    problem: str = Field("", description="why no version can be made; empty if one can")
    hint: str = Field("", description="what to do about it")

    @property
    def after(self) -> DataCounts:
        """What the version would hold."""
        return self.steps[-1].after if self.steps else self.before


def preview_filters(source: Path | RawData | CodedRows, filters: FilterSpec) -> FilterPreview:
    """Count what :func:`engine.data.prepare.prepare` would keep of ``source`` under ``filters``.

    Args:
        source: the folder of a version, raw data, or its coded rows; who previews more than once keeps these.

    Raises:
        DataError: the folder holds no sound version.
    """
    if isinstance(source, Path):
        source = CodedRows.of_version(read_version(source))
    rows = Filtering(source if isinstance(source, CodedRows) else CodedRows.of(source))
    problem = hint = ""
    try:
        rows.apply(filters)
        require_two_users(rows)
    except DataError as error:
        problem, hint = error.message, error.hint
    steps = [PreviewStep(step=step, after=after) for step, after in zip(rows.steps, rows.counts[1:], strict=True)]
    return FilterPreview(before=rows.counts[0], steps=steps, notices=rows.notices, problem=problem, hint=hint)
