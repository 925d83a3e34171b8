"""Settings of ``darec``: our reading of arXiv 2408.07427 (a re-implementation from its abstract)."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator, model_validator

from engine.adapters.choice import LayerChoice
from engine.backbones.spec import NanoSpec
from engine.blend.spec import BlendSpec
from engine.collaborative.spec import BprMfShape, Gru4recShape, HstuShape, LightgcnShape, SasrecShape, SoftmaxSpec
from engine.fields import Spec, setting
from engine.methods.spec import MethodSpec

if TYPE_CHECKING:
    from engine.spec import RunSpec

SPLIT_MASKS = ("per_layer", "two_level")


def _split_commas(value: Any) -> Any:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


class TextSpec(Spec):
    """How items and histories become tokens."""

    content: Literal["text", "ids"] = setting(
        "text", "text: the backbone reads item texts; ids: markers alone, without any text (the control: what is the text worth?)"
    )
    window: int = setting(20, "items of a history that the backbone reads", "items", ge=2, le=512)
    max_item_tokens: int = setting(12, "an item's text is cut to this many tokens", "tokens", ge=1, le=512)
    attributes: tuple[str, ...] = setting((), "item columns put behind the title, e.g. categories")
    instruction: str = setting("", "text in front of every history (two_level reads none)", max_length=2000)
    components: int = setting(
        0,
        "item text vectors keep this many principal components, each of variance 1; 0 takes them as they are",
        "dimensions",
        ge=0,
        le=4096,
    )

    @field_validator("attributes", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return _split_commas(value)


class TasksSpec(Spec):
    """The tasks of coarse-grained adaption, mixed by weight."""

    next_item: float = setting(1.0, "weight of ranking the next item, at every position", ge=0, le=100)
    next_title: float = setting(0.0, "weight of writing the next item's title, at one position a window", ge=0, le=100)
    item_grounding: float = setting(0.0, "weight of finding an item by its text alone, among the batch's items", ge=0, le=100)

    @model_validator(mode="after")
    def _one_at_least(self) -> "TasksSpec":
        if not self.next_item:
            raise ValueError("next_item: got 0, must be more than 0: items are ranked by what this task trains")
        return self


class InjectionSpec(Spec):
    """The small collaborative (CF) model, trained alone first and then jointly with the adapters."""

    kind: Literal["sasrec", "hstu", "gru4rec", "lightgcn", "bpr-mf", "none"] = setting(
        "sasrec", "the CF model; none leaves the backbone alone with free item vectors"
    )
    sasrec: SasrecShape = SasrecShape()
    hstu: HstuShape = HstuShape()
    gru4rec: Gru4recShape = Gru4recShape()
    lightgcn: LightgcnShape = LightgcnShape()
    bpr_mf: BprMfShape = BprMfShape()
    item: bool = setting(True, "item markers get the CF model's item vectors")
    state: bool = setting(True, "item markers get the CF model's user states")
    long_term: bool = setting(True, "a soft token in front tells what happened before the backbone's window")
    gate: float = setting(0.1, "how strongly each part enters at the start (learned from there)", ge=0, le=10)
    joint: bool = setting(True, "train the CF model on with the adapters; off freezes it after its own stage")
    alpha: float = setting(1.0, "weight of the CF model's own loss in the joint stage", ge=0, le=100)
    beta: float = setting(0.0, "weight of aligning the backbone's states with the CF model's", ge=0, le=100)
    share_of_time: float = setting(
        0.35, "part of training.minutes for the CF model alone; 0 trains all jointly from the start", ge=0, lt=1
    )
    learning_rate: float = setting(2e-4, "learning rate of the CF model in the joint stage", ge=0, le=1)
    reuse: bool = setting(True, "take the CF model trained alone over from an earlier run with the same settings and seed")
    stop_gradient: bool = setting(False, "keep the backbone's loss from changing the CF model")

    @property
    def window(self) -> int:
        """Items that the CF model reads; 0 without one."""
        shape = getattr(self, self.kind.replace("-", "_"), None)
        return 0 if shape is None else int(shape.window)


class DarecSpec(MethodSpec):
    """A frozen LLM, adapted to rank the next item, with context masking and collaborative knowledge injection."""

    id: Literal["darec"] = "darec"
    backbone: str = setting(
        "nano",
        "nano (made from the catalogue's text, offline), minilm (from its package), a Hugging Face model id, or a local folder",
        min_length=1,
    )
    nano: NanoSpec = NanoSpec()
    random_backbone: bool = setting(False, "draw the backbone's weights at random (the control: what is its training worth?)")
    weights: Literal["fp32", "bf16", "4bit"] = setting("fp32", "number format of the frozen weights; 4bit needs CUDA")
    precision: Literal["fp32", "bf16"] = setting("fp32", "number format of the backbone's forward pass")
    attention: Literal["auto", "sdpa", "eager", "flex"] = setting("auto", "implementation of attention; flex needs CUDA")
    checkpointing: bool = setting(False, "compute activations again in the backward pass: less memory, more time")
    mask: Literal["union", "causal", "per_layer", "per_head", "two_level"] = setting(
        "union",
        "union: tokens of one item see each other; causal: no context mask; per_layer: lower layers see within the item only, "
        "upper layers union; per_head: half of the heads each; two_level: upper layers see one state an item",
    )
    lower_layers: int = setting(
        0, "layers that see within the item only, with per_layer and two_level; 0 takes half of them", "layers", ge=0, le=1024
    )
    architecture: tuple[LayerChoice, ...] = setting(
        (LayerChoice(),),
        "adapter choice of each layer, lowest first: kind/target/rank or none; a single one stands for all layers",
        min_length=1,
    )
    text: TextSpec = TextSpec()
    text_scale: float = setting(0.02, "size of the text term in item vectors at the start", ge=0, le=10)
    text_match: float = setting(
        0.0, "strength, at the start, of matching texts of history and candidate directly; 0 leaves it out", ge=0, le=100
    )
    marker_dropout: float = setting(
        0.0, "dropout on the item markers as they enter the backbone, or its upper layers", ge=0, lt=1
    )
    head_dropout: float = setting(0.0, "dropout on the backbone's states where they enter the ranking", ge=0, lt=1)
    learning_rate: float | None = setting(
        None, "peak learning rate of adapters, injection and head; empty takes training.learning_rate", gt=0, le=10
    )
    tasks: TasksSpec = TasksSpec()
    loss: SoftmaxSpec = SoftmaxSpec()
    injection: InjectionSpec = InjectionSpec()
    blend: BlendSpec = BlendSpec()

    @field_validator("architecture", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return _split_commas(value)

    @model_validator(mode="after")
    def _layers_fit(self) -> "DarecSpec":
        if self.backbone != "nano":
            return self
        choices, layers = len(self.architecture), self.nano.layers
        if choices not in (1, layers):
            raise ValueError(f"architecture: got {choices} choices, must be 1 or one for each of the {layers} layers")
        if self.mask in SPLIT_MASKS and (layers < 2 or self.lower_layers >= layers):
            raise ValueError(f"lower_layers: got {self.lower_layers} of {layers} layers, must leave one above and one below")
        return self

    def check(self, run: "RunSpec") -> None:
        """Refuse a CF model that looks back less far than the backbone, or that nothing trains."""
        if not self.injection.joint and not self.injection.share_of_time:
            raise ValueError("injection.share_of_time: got 0, must be more than 0 where injection.joint is off")
        if self.injection.kind != "none" and self.injection.window < self.text.window:
            name = self.injection.kind.replace("-", "_")
            raise ValueError(
                f"injection.{name}.window: got {self.injection.window}, must be {self.text.window} (text.window) or more"
            )
