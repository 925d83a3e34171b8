"""Settings of the ``nano`` backbone. No torch here."""

from pydantic import model_validator

from engine.fields import Spec, setting

NANO_POSITIONS = 8192
"""The longest sequence in tokens that ``nano`` reads."""


class NanoSpec(Spec):
    """Size and warm-up of ``nano``, the Llama-style model that is made from the catalogue's own text."""

    layers: int = setting(4, "decoder layers", "layers", ge=1, le=64)
    dimensions: int = setting(128, "hidden size (d_model)", ge=16, le=4096)
    heads: int = setting(4, "attention heads; must divide the dimensions", ge=1, le=64)
    vocabulary: int = setting(4096, "largest size of its byte-level BPE vocabulary", "tokens", ge=300, le=100_000)
    warmup_steps: int = setting(
        150, "language-model steps on the catalogue's text before it is frozen; 0 leaves it random", "steps", ge=0, le=100_000
    )

    @model_validator(mode="after")
    def _heads_divide(self) -> "NanoSpec":
        check_heads(self.dimensions, self.heads)
        return self


def check_heads(dimensions: int, heads: int) -> None:
    """Raise ValueError unless ``heads`` divide ``dimensions`` into even parts (rotary positions need pairs)."""
    if dimensions % (2 * heads):
        raise ValueError(f"got {dimensions} dimensions for {heads} heads, must be a multiple of {2 * heads}")
