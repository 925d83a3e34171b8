"""Settings of ``gru4rec``."""

from typing import Literal

from engine.collaborative.spec import SoftmaxSpec
from engine.fields import setting
from engine.methods.spec import MethodSpec


class Gru4recSpec(MethodSpec, SoftmaxSpec):
    """A recurrent network over the user's last items (Hidasi et al., 2016, arXiv 1511.06939)."""

    id: Literal["gru4rec"] = "gru4rec"
    window: int = setting(50, "items that the model looks back on", "items", ge=2, le=4096)
    dimensions: int = setting(64, "size of item vectors and states", ge=4, le=4096)
    hidden: int = setting(128, "units of each recurrent layer", ge=4, le=8192)
    layers: int = setting(1, "recurrent layers", ge=1, le=16)
    embedding_dropout: float = setting(0.3, "dropout on the item vectors that go in", ge=0, lt=1)
    hidden_dropout: float = setting(0.3, "dropout on what each recurrent layer gives out", ge=0, lt=1)
