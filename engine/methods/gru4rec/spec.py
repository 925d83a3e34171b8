"""Settings of ``gru4rec``."""

from typing import Literal

from engine.collaborative.spec import Gru4recShape, SoftmaxSpec
from engine.methods.ensemble_spec import EnsembleSpec


class Gru4recSpec(EnsembleSpec, SoftmaxSpec, Gru4recShape):
    """A recurrent network over the user's last items (Hidasi et al., 2016, arXiv 1511.06939)."""

    id: Literal["gru4rec"] = "gru4rec"
