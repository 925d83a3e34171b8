"""Settings of ``hstu``."""

from typing import Literal

from engine.collaborative.spec import HstuShape, SoftmaxSpec
from engine.methods.ensemble_spec import EnsembleSpec


class HstuSpec(EnsembleSpec, SoftmaxSpec, HstuShape):
    """Hierarchical sequential transduction units (Zhai et al., 2024, arXiv 2402.17152)."""

    id: Literal["hstu"] = "hstu"
