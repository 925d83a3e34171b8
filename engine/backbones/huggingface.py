"""Loading a backbone from a local folder, the Hugging Face hub or the package of ``minilm``, weights as safetensors only."""

import hashlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from engine.backbones import hub, minilm
from engine.backbones.backbone import Backbone
from engine.backbones.families import FAMILIES
from engine.backbones.hub import hub_folder
from engine.errors import UserError

Weights = Literal["fp32", "bf16", "4bit"]
Attention = Literal["auto", "sdpa", "eager", "flex"]

_ATTENTION = {"auto": "sdpa", "sdpa": "sdpa", "eager": "eager", "flex": "flex_attention"}
_FAILURES = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RuntimeError,
    ImportError,
    SafetensorError,
    StrictDataclassError,
)
"""What transformers raises for files that are missing, cut off, or do not fit together."""


def load_backbone(
    name: str,
    source: str | Path,
    device: torch.device,
    *,
    weights: Weights = "fp32",
    attention: Attention = "auto",
    random_seed: int | None = None,
    checkpointing: bool = False,
) -> Backbone:
    """Load the base model at ``source`` (a folder, a hub id or ``minilm``), frozen and in eval mode.

    Args:
        name: what to call it in messages.
        weights: type of the frozen weights; ``4bit`` (NF4) needs a CUDA device and bitsandbytes.
        attention: implementation; ``auto`` is sdpa, ``flex`` needs a CUDA device.
        random_seed: keep the architecture and the tokenizer alone, and draw the weights anew from this seed (an ablation).
        checkpointing: let ``forward`` compute activations again instead of keeping them.

    Raises UserError for an unknown id or folder, a model family that is not supported, weights that are missing, damaged or not
    safetensors, no tokenizer, no network, or a setting that needs what this machine has not got.
    """
    _check_machine(device, weights, attention, random_seed)
    folder, repository = _find(source)
    config = _config(name, folder)
    if repository is not None:
        folder = hub_folder(repository, hub.WEIGHTS if random_seed is None else hub.TOKENIZER)
    if random_seed is None and not list(folder.glob("*.safetensors")):
        raise UserError(
            f"method.backbone: {source} holds no *.safetensors weights; pickled weights are never loaded.",
            "Convert them: AutoModel.from_pretrained(...).save_pretrained(folder) writes safetensors.",
        )
    tokenizer = _load_tokenizer(name, folder)
    if random_seed is None:
        model = _load_model(name, folder, config, device, weights, attention)
    else:
        model = _draw_model(name, config, weights, attention, random_seed)
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # type: ignore[assignment]  # BERT's head for whole sentences: nobody reads it
    model.requires_grad_(False)
    model.eval()
    if weights != "4bit":
        model.to(device)  # type: ignore[arg-type]
    origin = _digest(folder) if repository is None else f"{repository}@{folder.name}"
    drawn = "" if random_seed is None else f" drawn from {random_seed}"
    family = FAMILIES.get(config.model_type)
    return Backbone(name, f"{origin} {weights}{drawn}", model, tokenizer, family, checkpointing)


def _find(source: str | Path) -> tuple[Path, str | None]:
    """The folder of ``source`` and the repository it comes from, of which only config.json is there yet."""
    if str(source) == minilm.NAME:
        return minilm.minilm_folder(), None
    if Path(source).is_dir():
        return Path(source), None
    if str(source).startswith((".", "/", "~")) or str(source).count("/") > 1:
        raise UserError(f"method.backbone: there is no folder {source}.", "Name a folder with config.json, a hub id, or nano.")
    return hub_folder(str(source), hub.CONFIG), str(source)


def read_config(source: str | Path) -> PreTrainedConfig:
    """The config of the model at ``source``, without its weights; raises UserError as ``load_backbone`` does."""
    folder, _ = _find(source)
    return _config(str(source), folder)


def read_tokenizer(source: str | Path) -> PreTrainedTokenizerBase:
    """The tokenizer of the model at ``source``; raises UserError as ``load_backbone`` does."""
    folder, repository = _find(source)
    if repository is not None:
        folder = hub_folder(repository, hub.TOKENIZER)
    return _load_tokenizer(str(source), folder)


def _config(name: str, folder: Path) -> PreTrainedConfig:
    config: PreTrainedConfig = _load(
        name,
        lambda: AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False),  # nosec B615  # a folder of this machine
    )
    if config.model_type not in FAMILIES:
        raise UserError(
            f"method.backbone: {name} is a {config.model_type} model, which is not supported yet.",
            f"Supported families: {', '.join(FAMILIES.names())}.",
        )
    return config


def _check_machine(device: torch.device, weights: Weights, attention: Attention, random_seed: int | None) -> None:
    if attention == "flex" and device.type != "cuda":
        raise UserError(f"method.attention: flex needs a CUDA device, this run is on {device.type}.", "Choose auto or sdpa.")
    if weights != "4bit":
        return
    if random_seed is not None:
        raise UserError("method.weights: random weights are not kept in 4 bits.", "Choose fp32 or bf16.")
    if device.type != "cuda":
        raise UserError(f"method.weights: 4bit needs a CUDA device, this run is on {device.type}.", "Choose bf16 or fp32.")
    if find_spec("bitsandbytes") is None:
        raise UserError("method.weights: 4bit needs the package bitsandbytes.", "Run pip install bitsandbytes, or choose bf16.")


def _load_tokenizer(name: str, folder: Path) -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = _load(
        name,
        lambda: AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False),  # nosec B615  # a folder of this machine
    )
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):  # an empty one, which transformers makes where there is none
        raise UserError(
            f"method.backbone: {name} has no tokenizer.",
            "Put its tokenizer.json and tokenizer_config.json beside config.json.",
        )
    return tokenizer


def _load_model(
    name: str,
    folder: Path,
    config: PreTrainedConfig,
    device: torch.device,
    weights: Weights,
    attention: Attention,
) -> PreTrainedModel:
    options: dict[str, Any] = {"dtype": torch.float32 if weights == "fp32" else torch.bfloat16}
    if weights == "4bit":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16
        )
        options["device_map"] = {"": device}
    model: PreTrainedModel
    model, report = _load(
        name,
        lambda: AutoModel.from_pretrained(  # nosec B615  # a folder of this machine
            folder,
            local_files_only=True,
            trust_remote_code=False,
            config=config,
            use_safetensors=True,
            attn_implementation=_ATTENTION[attention],
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            **options,
        ),
    )
    missing = sorted(key for key in report["missing_keys"] if not key.startswith("pooler."))
    if missing:  # transformers would go on with random numbers in their place
        raise UserError(
            f"method.backbone: the weights of {name} lack {len(missing)} tensors, for instance {missing[0]}.",
            "The files are incomplete, or config.json belongs to another model. Download or save the model again.",
        )
    if report["mismatched_keys"]:
        key, found, wanted = min(report["mismatched_keys"])
        raise UserError(
            f"method.backbone: config.json of {name} asks for {key} of shape {tuple(wanted)}, the weights hold {tuple(found)}.",
            "config.json belongs to another model. Download or save the model again.",
        )
    return model


def _draw_model(name: str, config: PreTrainedConfig, weights: Weights, attention: Attention, seed: int) -> PreTrainedModel:
    """The architecture of ``config``, weights from ``seed``: drawn in fp32 on the CPU, so that they are the same everywhere."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: PreTrainedModel = _load(
            name,
            lambda: AutoModel.from_config(config, dtype=torch.float32, attn_implementation=_ATTENTION[attention]),
        )
    return model.to(torch.bfloat16) if weights == "bf16" else model  # type: ignore[arg-type]


def _load(name: str, load: Callable[[], Any]) -> Any:
    logging.disable_progress_bar()
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # or every base model is reported to miss its language-model head, as it should
    try:
        return load()
    except _FAILURES as error:
        lines = [line.strip().rstrip(".:") for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise UserError(
            f"method.backbone: {name} cannot be loaded ({': '.join(lines[:2])}).",
            "A model needs config.json, a tokenizer and *.safetensors that belong together and are complete.",
        ) from error
    finally:
        logging.set_verbosity(verbosity)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.safetensors"), folder / "config.json"]):
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
