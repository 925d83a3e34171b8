"""The backbones whose sizes are known without loading anything: ``nano``, which is made to measure, and ``minilm``. No torch."""

from dataclasses import dataclass

from engine.adapters.costs import LayerShapes
from engine.adapters.shapes import Sizes, layer_shapes, nano_shapes
from engine.backbones.spec import NANO_POSITIONS, NanoSpec


@dataclass(frozen=True)
class KnownBackbone:
    """Sizes of a backbone.

    Attributes:
        layers: number of layers, all alike.
        dimensions: hidden size, ``d_model``.
        positions: longest sequence in tokens that it reads.
        learned_positions: whether its positions come from a table, and not by rotation.
        shapes: the adaptable maps of each layer.
    """

    layers: int
    dimensions: int
    positions: int
    learned_positions: bool
    shapes: LayerShapes


_MINILM = KnownBackbone(6, 384, 512, True, layer_shapes("bert", Sizes(384, 1536, 384, 384)))


def known_backbone(name: str, nano: NanoSpec) -> KnownBackbone | None:
    """The sizes of the backbone ``name`` of a spec; None where they stand in files that are not read here."""
    if name == "nano":
        return KnownBackbone(nano.layers, nano.dimensions, NANO_POSITIONS, False, nano_shapes(nano))
    return _MINILM if name == "minilm" else None
