"""One adapter choice for one layer, as people write it: ``lora/both/8`` or ``none``. No torch here."""

from typing import Any, Literal

from pydantic import field_validator, model_validator

from engine.adapters.kinds import ADAPTER_KINDS, HIGHEST_RANK
from engine.errors import UserError
from engine.fields import Spec, setting


class LayerChoice(Spec):
    """What one layer of the backbone gets. An architecture is one of these per layer.

    Each choice has one form only: ``none`` has target both and rank 0, a kind without a rank (``ia3``) has rank 1.
    """

    kind: str = setting("lora", "kind of adapter, or none")
    target: Literal["attention", "mlp", "both"] = setting("both", "which linear maps of the layer are adapted")
    rank: int = setting(8, "rank of the update; 0 with none, 1 with a kind that has no rank", ge=0, le=HIGHEST_RANK)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        parts = value.strip().split("/")
        if parts == ["none"]:
            return {"kind": "none", "target": "both", "rank": 0}
        if len(parts) != 3 or not parts[2].isdigit():
            raise ValueError(f"got {value!r}, must be 'none' or kind/target/rank, e.g. 'lora/both/8'")
        return {"kind": parts[0], "target": parts[1], "rank": int(parts[2])}

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, value: str) -> str:
        try:
            ADAPTER_KINDS.get(value)
        except UserError as error:
            raise ValueError(str(error)) from error
        return value

    @model_validator(mode="after")
    def _fits_kind(self) -> "LayerChoice":
        kind = ADAPTER_KINDS.get(self.kind)
        if (self.kind == "none") != (self.rank == 0):
            raise ValueError(
                f"got kind {self.kind!r} with rank {self.rank}, must be 'none' with rank 0 or another kind with rank 1 or more"
            )
        if self.target not in kind.targets:
            raise ValueError(f"got target {self.target!r} with kind {self.kind!r}, must be {' or '.join(kind.targets)}")
        if not kind.lowest_rank <= self.rank <= kind.highest_rank:
            allowed = f"{kind.lowest_rank} or more" if kind.has_rank else f"{kind.lowest_rank}"
            raise ValueError(f"got rank {self.rank} with kind {self.kind!r}, must be {allowed} ({kind.rank_means})")
        return self

    def __str__(self) -> str:
        return "none" if self.kind == "none" else f"{self.kind}/{self.target}/{self.rank}"
