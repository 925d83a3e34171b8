"""Settings of ``darec``: our reading of arXiv 2408.07427 (a re-implementation from its abstract)."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator, model_validator

from engine.adapters.choice import LayerChoice
from engine.backbones.spec import NanoSpec
from engine.collaborative.spec import SasrecShape
from engine.fields import Spec, setting
from engine.methods.spec import MethodSpec

if TYPE_CHECKING:
    from engine.spec import RunSpec


def _split_commas(value: Any) -> Any:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


class TextSpec(Spec):
    """How items and histories become tokens."""

    window: int = setting(20, "items of a history that the backbone reads", "items", ge=2, le=512)
    max_item_tokens: int = setting(12, "an item's text is cut to this many tokens", "tokens", ge=1, le=512)
    attributes: tuple[str, ...] = setting((), "item columns put behind the title, e.g. categories")
    instruction: str = setting("", "text in front of every history", max_length=2000)

    @field_validator("attributes", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return _split_commas(value)


class InjectionSpec(Spec):
    """The small collaborative (CF) model, trained alone first and then jointly with the adapters."""

    kind: Literal["sasrec", "none"] = setting("sasrec", "the CF model; none leaves the backbone alone with free item vectors")
    sasrec: SasrecShape = SasrecShape()
    gate: float = setting(
        0.1, "how strongly item and state vectors enter the item markers at the start (learned from there)", ge=0, le=10
    )
    alpha: float = setting(1.0, "weight of the CF model's own loss in the joint stage", ge=0, le=100)
    share_of_time: float = setting(0.35, "part of training.minutes for the CF model alone", ge=0, lt=1)
    learning_rate: float = setting(2e-4, "learning rate of the CF model in the joint stage", ge=0, le=1)
    stop_gradient: bool = setting(False, "keep the backbone's loss from changing the CF model")


class DarecSpec(MethodSpec):
    """A frozen LLM, adapted to rank the next item, with context masking and collaborative knowledge injection."""

    id: Literal["darec"] = "darec"
    backbone: str = setting(
        "nano", "nano (made from the catalogue's text, offline), a Hugging Face model id, or a local folder", min_length=1
    )
    nano: NanoSpec = NanoSpec()
    precision: Literal["fp32", "bf16"] = setting("fp32", "number format of the backbone's forward pass")
    mask: Literal["union", "causal"] = setting("union", "union: tokens of one item see each other; causal: no context mask")
    architecture: tuple[LayerChoice, ...] = setting(
        (LayerChoice(),),
        "adapter choice of each layer, lowest first: kind/target/rank or none; a single one stands for all layers",
        min_length=1,
    )
    text: TextSpec = TextSpec()
    text_scale: float = setting(0.02, "size of the text term in item vectors at the start", ge=0, le=10)
    head_dropout: float = setting(0.0, "dropout on the backbone's states where they enter the ranking", ge=0, lt=1)
    injection: InjectionSpec = InjectionSpec()

    @field_validator("architecture", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return _split_commas(value)

    @model_validator(mode="after")
    def _one_choice_a_layer(self) -> "DarecSpec":
        choices = len(self.architecture)
        if self.backbone == "nano" and choices not in (1, self.nano.layers):
            raise ValueError(f"architecture: got {choices} choices, must be 1 or one for each of the {self.nano.layers} layers")
        return self

    def check(self, run: "RunSpec") -> None:
        """Refuse a CF model that looks back less far than the backbone."""
        if self.injection.kind == "sasrec" and self.injection.sasrec.window < self.text.window:
            raise ValueError(
                f"injection.sasrec.window: got {self.injection.sasrec.window}, must be {self.text.window} (text.window) or more"
            )
