"""Settings of ``hstu``."""

from typing import Literal

from engine.collaborative.spec import SoftmaxSpec
from engine.fields import setting
from engine.methods.spec import MethodSpec


class HstuSpec(MethodSpec, SoftmaxSpec):
    """Hierarchical sequential transduction units (Zhai et al., 2024, arXiv 2402.17152)."""

    id: Literal["hstu"] = "hstu"
    window: int = setting(50, "items that the model looks back on", "items", ge=2, le=4096)
    dimensions: int = setting(64, "size of item vectors and states", ge=4, le=4096)
    layers: int = setting(2, "units, one upon the other", ge=1, le=64)
    heads: int = setting(2, "attention heads of each unit", ge=1, le=64)
    attention_dimensions: int = setting(32, "size of queries and keys, in each head", ge=1, le=4096)
    value_dimensions: int = setting(32, "size of values and gates, in each head", ge=1, le=4096)
    relative_bias: bool = setting(True, "add a learned bias for each distance between two positions to the attention")
    positions: bool = setting(True, "add a learned vector of its position to each input, as the published code does")
    dropout: float = setting(0.3, "dropout on the inputs", ge=0, lt=1)
    unit_dropout: float = setting(0.3, "dropout on the gated values of each unit", ge=0, lt=1)
