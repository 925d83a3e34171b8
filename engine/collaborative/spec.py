"""Settings of the collaborative models, shared by the methods that train them. No torch here."""

from pydantic import model_validator

from engine.fields import Spec, setting


class SasrecShape(Spec):
    """Size and regularisation of a SASRec network."""

    window: int = setting(50, "items that the model looks back on", "items", ge=2, le=4096)
    dimensions: int = setting(64, "size of item vectors and states (d_model)", ge=4, le=4096)
    blocks: int = setting(2, "transformer blocks", ge=1, le=64)
    heads: int = setting(2, "attention heads; must divide the dimensions", ge=1, le=64)
    dropout: float = setting(0.3, "dropout on embeddings, attention and feed-forward", ge=0, lt=1)

    @model_validator(mode="after")
    def _heads_divide(self) -> "SasrecShape":
        if self.dimensions % self.heads:
            raise ValueError(f"got {self.dimensions} dimensions for {self.heads} heads, must be a multiple of {self.heads}")
        return self
