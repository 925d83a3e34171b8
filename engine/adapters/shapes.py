"""The linear maps of a backbone's layer by arithmetic from its sizes: no model, no torch. For ``engine.adapters.costs``."""

from dataclasses import dataclass
from typing import Any

from engine.adapters.costs import LayerShapes, MapShape
from engine.backbones.families import FAMILIES
from engine.backbones.spec import NanoSpec
from engine.errors import UserError

_NANO_WIDENING = 3  # as engine.backbones.nano builds it; a test compares


@dataclass(frozen=True)
class Sizes:
    """Sizes of one layer: ``hidden`` (d_model), inner size of the MLP, all queries together, all keys together."""

    hidden: int
    inner: int
    queries: int
    keys: int

    def of_map(self, name: str) -> tuple[int, int] | None:
        """Inputs and outputs of the map ``name`` (path below the layer); None for an unknown name."""
        hidden, inner = self.hidden, self.inner
        known = {
            "self_attn.q_proj": (hidden, self.queries),
            "self_attn.k_proj": (hidden, self.keys),
            "self_attn.v_proj": (hidden, self.keys),
            "self_attn.o_proj": (self.queries, hidden),
            "mlp.gate_proj": (hidden, inner),
            "mlp.up_proj": (hidden, inner),
            "mlp.down_proj": (inner, hidden),
            "attn.c_attn": (hidden, 3 * hidden),
            "attn.c_proj": (hidden, hidden),
            "mlp.c_fc": (hidden, inner),
            "mlp.c_proj": (inner, hidden),
            "attention.self.query": (hidden, hidden),
            "attention.self.key": (hidden, hidden),
            "attention.self.value": (hidden, hidden),
            "attention.output.dense": (hidden, hidden),
            "intermediate.dense": (hidden, inner),
            "output.dense": (inner, hidden),
        }
        return known.get(name)


def config_shapes(config: Any) -> LayerShapes:
    """The shapes of each layer of a model, from its transformers config (all layers are alike).

    Raises UserError for a family that is not registered, or whose maps are not known here (then load the backbone and read
    them with ``engine.adapters.compile.model_shapes``).
    """
    hidden, heads = int(config.hidden_size), int(config.num_attention_heads)
    width = int(getattr(config, "head_dim", None) or hidden // heads)
    inner = getattr(config, "intermediate_size", None) or getattr(config, "n_inner", None) or 4 * hidden
    keys = getattr(config, "num_key_value_heads", None) or heads
    return layer_shapes(str(config.model_type), Sizes(hidden, int(inner), heads * width, int(keys) * width))


def nano_shapes(spec: NanoSpec) -> LayerShapes:
    """The shapes of each layer of the ``nano`` that ``spec`` asks for."""
    return layer_shapes("llama", Sizes(spec.dimensions, _NANO_WIDENING * spec.dimensions, spec.dimensions, spec.dimensions))


def layer_shapes(model_type: str, sizes: Sizes) -> LayerShapes:
    """The shapes of a layer of a registered family; raises UserError as ``config_shapes``."""
    family = FAMILIES.get(model_type)
    shapes = []
    for name in family.attention + family.mlp:
        found = sizes.of_map(name)
        if found is None:
            raise UserError(f"The shape of {name} of {model_type} models is not known without loading one.")
        shapes.append(MapShape(name, *found))
    return LayerShapes(family, tuple(shapes))
