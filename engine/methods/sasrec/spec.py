"""Settings of ``sasrec``."""

from typing import Literal

from engine.collaborative.spec import SasrecShape
from engine.fields import setting
from engine.methods.spec import MethodSpec


class SasrecSpec(MethodSpec, SasrecShape):
    """Self-attentive sequential recommendation (Kang and McAuley, 2018, arXiv 1808.09781)."""

    id: Literal["sasrec"] = "sasrec"
    loss: Literal["ce", "bce"] = setting(
        "ce", "ce: softmax over the whole catalogue; bce: binary cross-entropy against sampled negatives, as published"
    )
    negatives: int = setting(1, "sampled negatives for each target, with bce", "items", ge=1, le=4096)
