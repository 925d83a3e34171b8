"""The rows that were left out, as a file beside the version and in a few numbers."""

from pathlib import Path
from typing import Any

import polars as pl

from engine.data.rejected import write_rejected as list_rejected
from webapp.datasets.report import REJECTED_NAME

_MOST_REASONS = 50


def write_rejected(rejected: pl.DataFrame, folder: Path) -> dict[str, Any]:
    """Write ``rejected`` to ``folder`` as CSV, if there is any; texts that a spreadsheet would run get an apostrophe in front.

    Args:
        rejected: as ``engine.data.raw.RawData.rejected``.

    Returns:
        ``Version.report``: the number of rows, and the most frequent reasons with their first lines.
    """
    if rejected.is_empty():
        return {}
    list_rejected(rejected, folder / REJECTED_NAME)
    grouped = rejected.group_by("file", "reason").agg(count=pl.len(), lines=pl.col("line").head(10))
    rows = grouped.sort("count", "file", "reason", descending=[True, False, False]).head(_MOST_REASONS)
    return {"rejected": rejected.height, "reasons": rows.to_dicts()}
