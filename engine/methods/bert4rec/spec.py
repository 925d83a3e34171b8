"""Settings of ``bert4rec``."""

from typing import Literal

from pydantic import model_validator

from engine.collaborative.spec import SoftmaxSpec
from engine.fields import setting
from engine.methods.spec import MethodSpec


class Bert4recSpec(MethodSpec, SoftmaxSpec):
    """A bidirectional transformer that fills masked items in (Sun et al., 2019, arXiv 1904.06690)."""

    id: Literal["bert4rec"] = "bert4rec"
    window: int = setting(50, "positions: items that the model looks back on, and the mask behind them", ge=2, le=4096)
    dimensions: int = setting(64, "size of item vectors and states", ge=4, le=4096)
    blocks: int = setting(2, "transformer blocks", ge=1, le=64)
    heads: int = setting(2, "attention heads; must divide the dimensions", ge=1, le=64)
    norm: Literal["last", "first"] = setting(
        "last", "where a block normalises: last, after each addition, as published; first, as SASRec here: learns faster"
    )
    dropout: float = setting(0.2, "dropout on embeddings, attention and feed-forward", ge=0, lt=1)
    mask_probability: float = setting(0.2, "share of a window's items that are masked in training", gt=0, le=1)
    last_share: float = setting(
        0.1, "share of the windows in which the last item alone is masked, as it is at scoring time", ge=0, le=1
    )

    @model_validator(mode="after")
    def _heads_divide(self) -> "Bert4recSpec":
        if self.dimensions % self.heads:
            raise ValueError(f"got {self.dimensions} dimensions for {self.heads} heads, must be a multiple of {self.heads}")
        return self
