"""Small files of the state folder."""

import os
from pathlib import Path


def write_secret(path: Path, text: str) -> None:
    """Write ``text`` so that only we can read it, whole or not at all."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.unlink(missing_ok=True)
    with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    half.replace(path)
