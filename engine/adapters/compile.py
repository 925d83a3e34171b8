"""From an architecture (one choice per layer) to PEFT, and back: what was injected is read from the model and compared."""

import re
import warnings
from dataclasses import dataclass

from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import nn

from engine.adapters.choice import LayerChoice
from engine.backbones.backbone import Backbone
from engine.backbones.families import Family
from engine.errors import EngineError, UserError
from engine.result import LayerAdapter

ALPHA_PER_RANK = 2
"""LoRA's alpha is this times the rank, so that the size of an update does not depend on the rank."""


@dataclass(frozen=True)
class Adapted:
    """What was injected into a backbone's model.

    Attributes:
        peft_model: the model as PEFT wraps it, or None if no layer has an adapter.
        layers: what each layer has, read back from the model.
    """

    peft_model: PeftModel | None
    layers: list[LayerAdapter]


def spread(architecture: tuple[LayerChoice, ...], layers: int) -> list[LayerChoice]:
    """One choice for each of ``layers`` layers; a single choice stands for all. Raises UserError if the number fits neither."""
    if len(architecture) == 1:
        return list(architecture) * layers
    if len(architecture) != layers:
        raise UserError(
            f"method.architecture: got {len(architecture)} choices, must be 1 or one for each of the backbone's {layers} layers."
        )
    return list(architecture)


def adapt(backbone: Backbone, architecture: tuple[LayerChoice, ...]) -> Adapted:
    """Inject the architecture's adapters into the backbone's model (in place) and verify them.

    Raises:
        UserError: the number of choices does not fit the backbone.
        EngineError: PEFT made something else than was planned.
    """
    choices = spread(architecture, backbone.layers)
    config = lora_config(backbone.family, choices)
    peft_model = _inject(backbone, config) if config is not None else None
    found = read_back(backbone.model, backbone.family, backbone.layers)
    planned = [(choice.kind, choice.target, choice.rank) for choice in choices]
    if [(layer.kind, layer.target, layer.rank) for layer in found] != planned:
        raise EngineError(f"The injected adapters differ from the architecture: planned {planned}, found {found}.")
    return Adapted(peft_model, found)


def _inject(backbone: Backbone, config: LoraConfig) -> PeftModel:
    with warnings.catch_warnings():
        # peft 0.21.2 asks for a property that transformers 5.23 has renamed; nothing of ours hangs on it
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
        return get_peft_model(backbone.model, config)


def lora_config(family: Family, choices: list[LayerChoice]) -> LoraConfig | None:
    """One LoraConfig for all layers, every map named in full; None if no layer has an adapter."""
    ranks = {
        module: choice.rank
        for layer, choice in enumerate(choices)
        if choice.kind == "lora"
        for module in family.modules(layer, choice.target)
    }
    if not ranks:
        return None
    first = next(iter(ranks.values()))
    patterns = {re.escape(module): rank for module, rank in ranks.items()}
    return LoraConfig(
        r=first,
        lora_alpha=ALPHA_PER_RANK * first,
        target_modules="|".join(f"({pattern})" for pattern in patterns),
        rank_pattern=patterns,
        alpha_pattern={pattern: ALPHA_PER_RANK * rank for pattern, rank in patterns.items()},
        fan_in_fan_out=family.transposed,
    )


def read_back(model: nn.Module, family: Family, layers: int) -> list[LayerAdapter]:
    """What each layer of the model really has. Raises EngineError for a layer that no single choice describes."""
    adapted = {name: module for name, module in model.named_modules() if isinstance(module, LoraLayer)}
    known: set[str] = set()
    found = []
    for layer in range(layers):
        here = {name for name in adapted if name.startswith(f"{family.layers}.{layer}.")}
        known |= here
        found.append(_describe(layer, {name: adapted[name] for name in here}, family))
    if known != set(adapted):
        raise EngineError(f"Adapters outside of the layers: {sorted(set(adapted) - known)}.")
    return found


def _describe(layer: int, adapted: dict[str, LoraLayer], family: Family) -> LayerAdapter:
    if not adapted:
        return LayerAdapter(layer=layer, kind="none", target="both", rank=0, parameters=0)
    targets = [target for target in ("attention", "mlp", "both") if set(family.modules(layer, target)) == set(adapted)]
    ranks = {rank for module in adapted.values() for rank in module.r.values()}
    adapters = {name for module in adapted.values() for name in module.active_adapters}
    if len(targets) != 1 or len(ranks) != 1 or len(adapters) != 1:
        raise EngineError(f"Layer {layer} has adapters that no single choice describes: {sorted(adapted)}, ranks {ranks}.")
    modules = [module for module in adapted.values() if isinstance(module, nn.Module)]
    parameters = sum(
        parameter.numel()
        for module in modules
        for name, parameter in module.named_parameters()
        if name.startswith("lora_") and parameter.requires_grad
    )
    return LayerAdapter(layer=layer, kind="lora", target=targets[0], rank=ranks.pop(), parameters=parameters)
