"""Where things that can be made again are kept, on this machine. What was not used for longest goes when it grows too large."""

import hashlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from engine.errors import UserError

CACHE = "DARECLAB_CACHE"
LIMIT = "DARECLAB_CACHE_GB"
_DEFAULT_GB = 20.0
_SAFE_SECONDS = 24 * 3600.0
"""An entry that was used more recently stays, whatever the size: a run may be about to read it."""


def cache_root() -> Path:
    """``DARECLAB_CACHE``, else ``~/.cache/dareclab``."""
    return Path(os.environ.get(CACHE) or Path.home() / ".cache" / "dareclab")


def cached(kind: str, name: str) -> Path:
    """The place of an entry, a file or a folder; if it is there, this counts as a use of it."""
    entry = cache_root() / kind / name
    if entry.exists():
        os.utime(entry)
    return entry


def make_room() -> list[Path]:
    """Call it when an entry was added: removes the entries used longest ago until ``DARECLAB_CACHE_GB`` holds the rest.

    Returns:
        What was removed.

    Raises:
        UserError: ``DARECLAB_CACHE_GB`` is no positive number.
    """
    limit = _limit()
    entries = [entry for entry in cache_root().glob("*/*") if not entry.name.startswith(".")]
    sizes = {entry: _size(entry) for entry in entries}
    total, removed = sum(sizes.values()), []
    for entry in sorted(entries, key=_last_use):
        if total <= limit or time.time() - _last_use(entry) < _SAFE_SECONDS:
            break
        total -= sizes[entry]
        removed.append(entry)
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    return removed


def recipe_hash(*parts: Any) -> str:
    """32 hex digits that stand for ``parts`` (whatever JSON can write): equal recipes make equal things."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:32]


def _limit() -> float:
    """Bytes."""
    text = os.environ.get(LIMIT) or str(_DEFAULT_GB)
    try:
        gigabytes = float(text)
    except ValueError:
        gigabytes = 0.0
    if not 0 < gigabytes < float("inf"):
        raise UserError(f"{LIMIT}: got {text!r}, must be a number above 0.", "Write gigabytes, for example 20.")
    return gigabytes * 1e9


def _last_use(entry: Path) -> float:
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # another process has just removed it


def _size(entry: Path) -> int:
    files = [entry] if entry.is_file() else [path for path in entry.rglob("*") if path.is_file()]
    try:
        return sum(path.stat().st_size for path in files)
    except FileNotFoundError:
        return 0
