"""What a search must know of a backbone before any trial runs: its layers, and what an adapter costs in each."""

from engine.adapters.costs import LayerShapes, parameters
from engine.adapters.shapes import config_shapes, nano_shapes
from engine.methods.darec.spec import DarecSpec
from engine.search.layout import Cost


def backbone_shapes(method: DarecSpec) -> tuple[int, LayerShapes]:
    """Number of layers, and the shapes of each; raises UserError for a backbone that cannot be read."""
    if method.backbone == "nano":
        return method.nano.layers, nano_shapes(method.nano)
    from engine.backbones.huggingface import read_config  # transformers, which takes seconds to load

    config = read_config(method.backbone)
    return int(config.num_hidden_layers), config_shapes(config)


def layers_and_cost(method: DarecSpec) -> tuple[int, Cost]:
    """Number of layers of the method's backbone, and what an adapter costs in each."""
    layers, shapes = backbone_shapes(method)
    return layers, lambda choice, layer: parameters(choice, shapes)
