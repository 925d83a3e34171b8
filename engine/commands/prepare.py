"""``prepare``: raw files to a version."""

import argparse
import sys
from pathlib import Path
from typing import Any

from pydantic import Field

from engine.commands.folders import data_path, fresh_folder
from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.errors import SpecError
from engine.fields import Spec
from engine.spec import FilterSpec, override, parse_assignment, validate


class _PrepareSpec(Spec):
    """What ``prepare`` may be told: nothing is filtered by default."""

    filters: FilterSpec = Field(default_factory=lambda: FilterSpec(core=0))


def prepare_command(options: argparse.Namespace) -> dict[str, Any]:
    """Write the version; returns ``{"data", "version", "path"}``."""
    settings = override({"filters": {"core": 0}}, dict(parse_assignment(text) for text in options.set))
    unknown = sorted(settings.keys() - {"filters"})
    if unknown:
        raise SpecError([(unknown[0], "prepare has no such setting")], "Only filters.* can be set here, e.g. filters.core=5.")
    filters = validate(_PrepareSpec, settings).filters
    source = data_path(options)
    raw = read_raw(source)
    folder: Path = options.out or fresh_folder(f"version-{source.name.partition('.')[0]}")
    version = prepare(raw, filters, folder)
    for notice in raw.notices:
        print(f"note: {notice}", file=sys.stderr)
    return {"data": version.counts.model_dump(), "version": version.hash, "path": str(version.path)}
