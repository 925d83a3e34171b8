"""What each layer of an adapted model really has, read from its modules and never from a config."""

from dataclasses import dataclass
from typing import cast

from peft.tuners.ia3 import IA3Layer
from peft.tuners.loha import LoHaLayer
from peft.tuners.lokr import LoKrLayer
from peft.tuners.lora import LoraLayer
from peft.tuners.oft import OFTLayer
from peft.tuners.oft.layer import OFTRotationModule
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from transformers.pytorch_utils import Conv1D

from engine.adapters.kinds import TARGETS
from engine.adapters.maps import SCALED_AT_INPUT, adapted_maps
from engine.backbones.families import Family
from engine.errors import EngineError
from engine.result import LayerAdapter


@dataclass(frozen=True)
class AdaptedMap:
    """One adapted linear map.

    Attributes:
        adapter: name of the adapter that its forward pass uses.
        trained: the adapter's trainable parameters, by their names below the module.
    """

    module: BaseTunerLayer
    adapter: str
    kind: str
    rank: int
    trained: dict[str, nn.Parameter]


def adapted_modules(model: nn.Module) -> dict[str, BaseTunerLayer]:
    """The wrapped linear maps by their names within the model."""
    return {name: module for name, module in model.named_modules() if isinstance(module, BaseTunerLayer)}


def map_size(module: nn.Module) -> tuple[int, int]:
    """Numbers of inputs and outputs of a plain linear map, however it stores its weights."""
    if isinstance(module, Conv1D):
        return int(module.nx), int(module.nf)
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    raise EngineError(f"{type(module).__name__} is no linear map.")


def adapter_names(module: BaseTunerLayer) -> set[str]:
    """Names of the adapters that have weights in this map, whether its forward pass uses them or not."""
    return {name for attribute in module.adapter_layer_names for name in getattr(module, attribute, {})}


def read_map(name: str, module: BaseTunerLayer) -> AdaptedMap:
    """What the map ``name`` has. Raises EngineError unless it is one adapter, in use, with all of its weights trainable."""
    names = adapter_names(module)
    if len(names) != 1 or module.active_adapters != list(names) or module.disable_adapters or module.merged:
        raise EngineError(
            f"{name} has the adapters {sorted(names)}, and its forward pass uses {module.active_adapters}: must be one."
        )
    adapter = names.pop()
    weights = {path: weight for path, weight in module.named_parameters() if not path.startswith("base_layer.")}  # type: ignore[attr-defined]
    frozen = [path for path, weight in weights.items() if not weight.requires_grad]
    if frozen:
        raise EngineError(f"{name} has adapter weights that are not trained: {frozen}.")
    kind, rank = _kind_and_rank(module, adapter)
    return AdaptedMap(module, adapter, kind, rank, weights)


def _kind_and_rank(module: BaseTunerLayer, adapter: str) -> tuple[str, int]:
    if isinstance(module, LoraLayer):
        kind = "dora" if adapter in module.lora_magnitude_vector else "lora"
        return kind, int(cast(nn.Linear, module.lora_A[adapter]).weight.shape[0])
    if isinstance(module, LoHaLayer):
        return "loha", int(module.hada_w1_b[adapter].shape[0])
    if isinstance(module, LoKrLayer):
        full = adapter in module.lokr_w2  # then no tensor shows the rank
        return "lokr", int(module.r[adapter] if full else module.lokr_w2_b[adapter].shape[0])
    if isinstance(module, OFTLayer):
        return "oft", int(cast(OFTRotationModule, module.oft_R[adapter]).block_size)
    if isinstance(module, IA3Layer):
        return "ia3", 1
    raise EngineError(f"{type(module).__name__} is no adapter that this program makes.")


def read_back(model: nn.Module, family: Family, layers: int) -> list[LayerAdapter]:
    """What each layer of the model really has. Raises EngineError for a layer that no single choice describes."""
    adapted = adapted_modules(model)
    known: set[str] = set()
    found = []
    for layer in range(layers):
        prefix = f"{family.layers}.{layer}."
        here = {name for name in adapted if name.startswith(prefix)}
        known |= here
        maps = {name.removeprefix(prefix): read_map(name, adapted[name]) for name in sorted(here)}
        found.append(_describe(layer, maps, family))
    if known != set(adapted):
        raise EngineError(f"Adapters outside of the layers: {sorted(set(adapted) - known)}.")
    return found


def _describe(layer: int, maps: dict[str, AdaptedMap], family: Family) -> LayerAdapter:
    if not maps:
        return LayerAdapter(layer=layer, kind="none", target="both", rank=0, parameters=0)
    kinds = {(one.kind, one.rank, one.adapter) for one in maps.values()}
    kind, rank, _ = next(iter(kinds))
    targets = [target for target in TARGETS if set(adapted_maps(kind, family, target)) == set(maps)]
    wrong_side = [
        name
        for name, one in maps.items()
        if isinstance(one.module, IA3Layer) and one.module.is_feedforward != (name in SCALED_AT_INPUT)
    ]
    if len(targets) != 1 or len(kinds) != 1 or wrong_side:
        raise EngineError(
            f"Layer {layer} has adapters that no single choice describes: {sorted(maps)}, kinds and ranks {sorted(kinds)}."
        )
    parameters = sum(weight.numel() for one in maps.values() for weight in one.trained.values())
    return LayerAdapter(layer=layer, kind=kind, target=targets[0], rank=rank, parameters=parameters)
