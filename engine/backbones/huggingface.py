"""Loading a backbone from a local folder or the Hugging Face hub, weights as safetensors only."""

import hashlib
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging

from engine.backbones.backbone import Backbone
from engine.backbones.families import FAMILIES
from engine.errors import UserError


def load_backbone(name: str, source: str | Path, device: torch.device) -> Backbone:
    """Load the base model at ``source`` (a folder or a hub id), frozen, in fp32 and eval mode.

    Raises UserError for an unknown id or folder, a model family that is not supported, weights that are not safetensors,
    or no network.
    """
    folder = Path(source)
    local = folder.is_dir()
    if not local and _looks_like_path(str(source)):
        raise UserError(f"method.backbone: there is no folder {source}.", "Name a folder with config.json, a hub id, or nano.")
    config = _load(name, lambda: AutoConfig.from_pretrained(source, local_files_only=local))
    if config.model_type not in FAMILIES:
        raise UserError(
            f"method.backbone: {name} is a {config.model_type} model, which is not supported yet.",
            f"Supported families: {', '.join(FAMILIES.names())}.",
        )
    if local and not list(folder.glob("*.safetensors")):
        raise UserError(
            f"method.backbone: {source} holds no *.safetensors weights; pickled weights are never loaded.",
            "Convert them: AutoModel.from_pretrained(...).save_pretrained(folder) writes safetensors.",
        )
    tokenizer = _load(name, lambda: AutoTokenizer.from_pretrained(source, local_files_only=local))
    model = _load(
        name,
        lambda: AutoModel.from_pretrained(
            source, config=config, use_safetensors=True, dtype=torch.float32, local_files_only=local
        ),
    )
    model.requires_grad_(False)
    model.eval().to(device)
    return Backbone(name, _identity(folder) if local else name, model, tokenizer, FAMILIES.get(config.model_type))


def _looks_like_path(source: str) -> bool:
    return source.startswith((".", "/", "~")) or source.count("/") > 1


def _load(name: str, load: Any) -> Any:
    logging.disable_progress_bar()
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # or every base model is reported to miss its language-model head, as it should
    try:
        return load()
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"method.backbone: {name} cannot be loaded ({first}).",
            "Check the id or folder and the network; a folder needs config.json, a tokenizer and *.safetensors. "
            "nano works without a network.",
        ) from error
    finally:
        logging.set_verbosity(verbosity)


def _identity(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
