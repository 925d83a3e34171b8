"""One adapter choice for one layer, as people write it: ``lora/both/8`` or ``none``. No torch here."""

from typing import Any, Literal

from pydantic import field_validator, model_validator

from engine.adapters.kinds import ADAPTER_KINDS
from engine.errors import UserError
from engine.fields import Spec, setting


class LayerChoice(Spec):
    """What one layer of the backbone gets. An architecture is one of these per layer."""

    kind: str = setting("lora", "kind of adapter, or none")
    target: Literal["attention", "mlp", "both"] = setting("both", "which linear maps of the layer are adapted")
    rank: int = setting(8, "rank of the update; 0 with none", ge=0, le=1024)

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
    def _rank_fits_kind(self) -> "LayerChoice":
        if (self.kind == "none") != (self.rank == 0):
            raise ValueError(
                f"got kind {self.kind!r} with rank {self.rank}, must be 'none' with rank 0 or another kind with rank 1 or more"
            )
        return self

    def __str__(self) -> str:
        return "none" if self.kind == "none" else f"{self.kind}/{self.target}/{self.rank}"
