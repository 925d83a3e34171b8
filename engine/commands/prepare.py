"""``prepare``: raw files to a version."""

import argparse
from pathlib import Path
from typing import Any

from pydantic import Field

from engine.commands.folders import data_path, fresh_folder
from engine.commands.terminal import tell
from engine.data.content import content_kind
from engine.data.mapping.model import FileMapping, load_mapping
from engine.data.mapping.read import read_mapped
from engine.data.prepare import prepare
from engine.data.raw import RawData
from engine.data.read import read_raw
from engine.data.rejected import list_beside, write_rejected
from engine.errors import SpecError, UserError
from engine.fields import Spec
from engine.spec import FilterSpec, override, parse_assignment, validate


class _PrepareSpec(Spec):
    """What ``prepare`` may be told: nothing is filtered by default."""

    filters: FilterSpec = Field(default_factory=lambda: FilterSpec(core=0))


def prepare_command(options: argparse.Namespace) -> dict[str, Any]:
    """Write the version, and beside it the list of rejected rows if there are any.

    Returns:
        ``data``, ``version`` (its hash), ``path``; ``rows_read``: interactions before duplicates and filters, without the rows
        that were rejected; ``rejected``: how many rows of interactions and items were; ``rejected_list``: where they are listed
        with file, line, reason and text (:func:`engine.data.rejected.list_beside`), or None.
    """
    settings = override({"filters": {"core": 0}}, dict(parse_assignment(text) for text in options.set))
    unknown = sorted(settings.keys() - {"filters"})
    if unknown:
        raise SpecError([(unknown[0], "prepare has no such setting")], "Only filters.* can be set here, e.g. filters.core=5.")
    filters = validate(_PrepareSpec, settings).filters
    source = data_path(options)
    raw = _read(source, options.mapping)
    folder: Path = options.out or fresh_folder(f"version-{source.name.partition('.')[0]}")
    version = prepare(raw, filters, folder)
    for notice in version.manifest.notices:
        tell(f"note: {notice}")
    rejected_list: Path | None = None
    if raw.rejected.height:
        rejected_list = list_beside(folder)
        write_rejected(raw.rejected, rejected_list)
        tell(f"note: {raw.rejected.height:,} rows were rejected; they are listed in {rejected_list}.")
    return {
        "data": version.counts.model_dump(),
        "version": version.hash,
        "path": str(version.path),
        "rows_read": raw.interactions.height,
        "rejected": raw.rejected.height,
        "rejected_list": rejected_list and str(rejected_list),
    }


def _read(source: Path, mapping: Path | None) -> RawData:
    """The raw data at ``source``, under the mapping in a file if there is one."""
    if mapping is None:
        return read_raw(source)
    meaning = load_mapping(mapping)
    if source.is_file():
        if meaning.items is not None and content_kind(source) != "zip":
            raise UserError(f"{source} is one file, but the mapping has an items file too.", "Name the folder that holds both.")
        return read_mapped(source, None, meaning)
    log = _named(source, meaning.interactions)
    return read_mapped(log, _named(source, meaning.items) if meaning.items else None, meaning)


def _named(folder: Path, mapping: FileMapping) -> Path:
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    found = [path for path in files if path.name == mapping.file] if mapping.file else files
    if len(found) != 1:
        raise UserError(
            f"{folder} holds {len(found)} files that the mapping can mean ({mapping.file or 'it names none'}).",
            "Name the file in the mapping: `file: clicks.csv`.",
        )
    return found[0]
