"""Settings of ``bpr-mf``."""

from typing import Literal

from engine.collaborative.spec import BprMfShape, UsersSpec
from engine.methods.spec import MethodSpec


class BprMfSpec(MethodSpec, UsersSpec, BprMfShape):
    """Matrix factorisation with the BPR loss (Rendle et al., 2009, arXiv 1205.2618)."""

    id: Literal["bpr-mf"] = "bpr-mf"
