"""A version as a file for other programs: Parquet, CSV, RecBole's atomic files, each in a zip archive."""

import re
import tempfile
from pathlib import Path
from typing import Literal, get_args

from engine.data.export.archive import pack
from engine.data.export.comma import write_csv
from engine.data.export.recbole import write_recbole
from engine.data.manifest import MANIFEST
from engine.data.version import FILES, IMPORTED, Version
from engine.errors import UserError

__all__ = ["FORMATS", "Format", "export_version"]

Format = Literal["parquet", "csv", "csv-raw", "recbole"]
"""``csv`` is for people: cells that a spreadsheet would take for formulas are escaped; ``csv-raw`` is as the data is."""
FORMATS: tuple[Format, ...] = get_args(Format)


def export_version(version: Version, form: Format, out: Path, name: str = "data") -> tuple[str, ...]:
    """Write ``version`` to the zip archive ``out``. Reading ``parquet``, ``csv-raw`` and ``recbole`` gives the same hash again.

    Args:
        version: the data; for ``parquet`` its folder must be there.
        form: the format.
        out: a file that does not exist yet.
        name: of the data set, for formats that want one.

    Returns:
        What the format cannot hold, one sentence each.

    Raises:
        UserError: ``out`` exists, or cannot be written.
    """
    if out.exists():
        raise UserError(f"{out} exists already.", "Choose another name, or take that file away.")
    try:
        # Beside the archive: where it has room, they have.
        with tempfile.TemporaryDirectory(prefix=".export-", dir=out.parent) as scratch:
            return _write(version, form, out, re.sub("[^A-Za-z0-9_-]+", "-", name).strip("-") or "data", Path(scratch))
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.", "Choose a folder that may be written to.") from error


def _write(version: Version, form: Format, out: Path, name: str, scratch: Path) -> tuple[str, ...]:
    if form == "parquet":
        there = [file for file in IMPORTED if (version.path / file).is_file()]
        pack({file: version.path / file for file in (MANIFEST, *FILES, *there)}, out, compress=False)
        return ()
    files, lost = write_recbole(version, scratch, name) if form == "recbole" else write_csv(version, scratch, form == "csv-raw")
    pack(files, out, compress=True)
    return lost
