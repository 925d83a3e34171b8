"""Making what was written survive a power cut."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Flush a file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, text: str) -> None:
    """Write the file whole or not at all, whenever the process is killed."""
    temporary = path.with_suffix(".writing")
    temporary.write_text(text, encoding="utf-8")
    sync(temporary)
    temporary.rename(path)
