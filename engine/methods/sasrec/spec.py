"""Settings of ``sasrec``."""

from typing import Literal

from engine.collaborative.spec import SasrecShape, SoftmaxSpec
from engine.fields import setting
from engine.methods.ensemble_spec import EnsembleSpec


class SasrecSpec(EnsembleSpec, SoftmaxSpec, SasrecShape):
    """Self-attentive sequential recommendation (Kang and McAuley, 2018, arXiv 1808.09781)."""

    id: Literal["sasrec"] = "sasrec"
    loss: Literal["ce", "bce", "gbce"] = setting(
        "ce",
        "ce: softmax over the catalogue; bce: binary cross-entropy against sampled negatives, as published; "
        "gbce: the same, calibrated for the share of items sampled (gSASRec)",
    )
    negatives: int = setting(1, "sampled negatives for each target, with bce and gbce", "items", ge=1, le=4096)
    calibration: float = setting(0.75, "t of gbce: 0 is plain bce, 1 takes all overconfidence out", ge=0, le=1)
