"""What a base model is called outside this machine."""

import re
from pathlib import Path

from engine.backbones.minilm import NAME

PUBLISHED = {NAME: "sentence-transformers/all-MiniLM-L6-v2"}
"""Names of ours for models that have another one on the hub."""
_UNUSUAL = re.compile(r"[^\w./-]")


def public_name(backbone: str) -> str:
    """A hub id as it is; of a folder its own name, without the path; ``nano`` stays ``nano``."""
    if backbone in PUBLISHED:
        return PUBLISHED[backbone]
    path = Path(backbone)
    is_hub_id = not path.is_absolute() and backbone.count("/") <= 1 and not path.is_dir() and not backbone.startswith((".", "~"))
    return _UNUSUAL.sub("-", backbone if is_hub_id else path.resolve().name) or "base"
