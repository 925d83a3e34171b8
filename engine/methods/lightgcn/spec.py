"""Settings of ``lightgcn``."""

from typing import Literal

from engine.collaborative.spec import LightgcnShape, UsersSpec
from engine.methods.spec import MethodSpec


class LightgcnSpec(MethodSpec, UsersSpec, LightgcnShape):
    """LightGCN (He et al., 2020, arXiv 2002.02126)."""

    id: Literal["lightgcn"] = "lightgcn"
