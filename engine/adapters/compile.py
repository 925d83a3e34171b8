"""From an architecture (one choice per layer) to PEFT, and back: what was injected is read from the model and compared."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from peft import PeftConfig, PeftModel, get_peft_model, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer, cast_adapter_dtype
from torch import nn

from engine.adapters.choice import LayerChoice
from engine.adapters.configs import ALONE, adapter_configs
from engine.adapters.costs import LayerShapes, MapShape, check_kind, parameters
from engine.adapters.probe import probe
from engine.adapters.read_back import adapted_modules, adapter_names, map_size, read_back
from engine.backbones.backbone import Backbone
from engine.errors import EngineError, UserError
from engine.result import LayerAdapter
from engine.training.decay import exempt


@dataclass(frozen=True)
class Adapted:
    """What was injected into a backbone's model.

    Attributes:
        backbone: the backbone whose model has the adapters now.
        peft_model: the model as PEFT wraps it if there is just one adapter (PEFT alone can save and load it), else None.
        adapters: PEFT's config of each adapter by its name; empty if no layer has one.
        layers: what each layer has, read back from the model.
    """

    backbone: Backbone
    peft_model: PeftModel | None
    adapters: dict[str, PeftConfig]
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
        UserError: the number of choices does not fit the backbone, or it cannot have one of the kinds or ranks.
        EngineError: PEFT made something else than was planned.
    """
    choices = spread(architecture, backbone.layers)
    four_bit = bool(getattr(backbone.model, "is_loaded_in_4bit", False))
    shapes = model_shapes(backbone)
    for choice in choices:
        check_kind(choice.kind, backbone.family, four_bit=four_bit)
        parameters(choice, shapes)
    return inject(backbone, choices, adapter_configs(backbone.family, choices))


def inject(backbone: Backbone, choices: list[LayerChoice], configs: dict[str, PeftConfig]) -> Adapted:
    """Inject adapters by their configs; raises EngineError unless the model then has just ``choices``, each with effect."""
    peft_model = None
    with without_known_warnings():
        if list(configs) == [ALONE]:
            peft_model = get_peft_model(backbone.model, configs[ALONE])
        else:
            _inject_several(backbone.model, configs)
    return verified(backbone, choices, configs, peft_model)


def verified(
    backbone: Backbone, choices: list[LayerChoice], configs: dict[str, PeftConfig], peft_model: PeftModel | None
) -> Adapted:
    """What the backbone's model has by now; raises EngineError unless it is just ``choices``, each with effect."""
    found = read_back(backbone.model, backbone.family, backbone.layers)
    shapes = model_shapes(backbone)
    planned = [(choice.kind, choice.target, choice.rank, parameters(choice, shapes)) for choice in choices]
    present = [(layer.kind, layer.target, layer.rank, layer.parameters) for layer in found]
    if present != planned:
        raise EngineError(f"The injected adapters differ from the architecture: planned {planned}, found {present}.")
    probe(backbone.model)
    for name, parameter in backbone.model.named_parameters():
        if ".ia3_l." in name:
            exempt(parameter)
    return Adapted(backbone, peft_model, configs, found)


def model_shapes(backbone: Backbone) -> LayerShapes:
    """The shapes of the adaptable maps of the lowest layer (all layers of a family are alike), adapted or not."""
    family, maps = backbone.family, []
    for name in family.attention + family.mlp:
        module = backbone.model.get_submodule(f"{family.layers}.0.{name}")
        base = module.get_base_layer() if isinstance(module, BaseTunerLayer) else module
        maps.append(MapShape(name, *map_size(base)))
    return LayerShapes(family, tuple(maps))


def _inject_several(model: nn.Module, configs: dict[str, PeftConfig]) -> None:
    for name, config in configs.items():
        inject_adapter_in_model(config, model, adapter_name=name)
        cast_adapter_dtype(model, name)  # as get_peft_model does: adapters train in fp32 on half-precision weights too
    for module in adapted_modules(model).values():
        # each injection makes its own adapter the active one of all maps, also of those that do not have it
        module.set_adapter(sorted(adapter_names(module)))


@contextmanager
def without_known_warnings() -> Iterator[None]:
    """Silence what peft says of two things that are meant as they are."""
    with warnings.catch_warnings():
        # peft 0.21.2 asks for a property that transformers 5.23 has renamed; nothing of ours hangs on it
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
        # several adapters in one model is what is meant here
        warnings.filterwarnings("ignore", message="Already found a `peft_config` attribute in the model")
        yield
