"""``export``: a version as a file for other programs."""

import argparse
from typing import Any

from engine.commands.folders import data_path
from engine.commands.terminal import tell
from engine.data.export import export_version
from engine.data.version import read_version


def export_command(options: argparse.Namespace) -> dict[str, Any]:
    """Write the archive; returns ``{"path", "format", "bytes", "version", "lost"}``."""
    version = read_version(data_path(options))
    lost = export_version(version, options.format, options.out, options.out.stem)
    for sentence in lost:
        tell(f"note: {sentence}")
    return {
        "path": str(options.out),
        "format": options.format,
        "bytes": options.out.stat().st_size,
        "version": version.hash,
        "lost": list(lost),
    }
