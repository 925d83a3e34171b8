"""Where things that can be made again are kept, on this machine."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any


def cache_root() -> Path:
    """``DARECLAB_CACHE``, else ``~/.cache/dareclab``."""
    return Path(os.environ.get("DARECLAB_CACHE") or Path.home() / ".cache" / "dareclab")


def recipe_hash(*parts: Any) -> str:
    """32 hex digits that stand for ``parts`` (whatever JSON can write): equal recipes make equal things."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:32]
