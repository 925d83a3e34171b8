"""Settings that change nothing beside the others: a spec holds them all, though some belong to choices that were not made.

Only what can be told from the spec alone; no torch here.
"""

from collections.abc import Iterator

from engine.collaborative.spec import SoftmaxSpec
from engine.methods.darec.spec import SPLIT_MASKS, DarecSpec, InjectionSpec
from engine.methods.ensemble_spec import EnsembleSpec
from engine.methods.sasrec.spec import SasrecSpec
from engine.methods.sizes import COUNTED
from engine.spec import RunSpec

_NETWORKS = ("sasrec", "hstu", "gru4rec", "lightgcn", "bpr_mf")
_OF_TRAINING_ALONE = ("epochs", "minutes", "clock", "batch_size", "learning_rate", "weight_decay", "warmup_steps", "clip")
_OF_STAGES = ("patience", "evaluate_every", "keep_start", "stop_below")


def without_effect(spec: RunSpec) -> dict[str, str]:
    """Why a setting, or each setting below a group (``method.nano.``), changes nothing; by dotted path."""
    return dict(_found(spec))


def reason(path: str, found: dict[str, str]) -> str:
    """Why the setting ``path`` changes nothing, from what ``without_effect`` found; empty if it has an effect."""
    return next(
        (words for known, words in found.items() if path == known or (known.endswith(".") and path.startswith(known))), ""
    )


def _found(spec: RunSpec) -> Iterator[tuple[str, str]]:
    method = spec.method
    if method.id in COUNTED:
        for name in (*_OF_TRAINING_ALONE, *_OF_STAGES):
            yield f"training.{name}", "this method counts, and trains nothing"
    if isinstance(method, DarecSpec):
        yield from _darec(method)
        yield from _softmax(method.loss, "method.loss.")
        yield from _blend(method.blend.fit, "method.blend.")
        return
    if isinstance(method, SasrecSpec):
        yield from _sasrec(method)
    if isinstance(method, SoftmaxSpec):
        yield from _softmax(method, "method.")
    if isinstance(method, EnsembleSpec):
        yield from _blend(method.blend.fit, "method.blend.")


def _sasrec(method: SasrecSpec) -> Iterator[tuple[str, str]]:
    if method.loss == "ce":
        yield "method.negatives", "only the losses bce and gbce draw negatives"
    else:
        for name in ("softmax", "chunk", "samples"):
            yield f"method.{name}", f"the loss {method.loss} has no softmax over the catalogue"
    if method.loss != "gbce":
        yield "method.calibration", "only the loss gbce is calibrated"


def _softmax(settings: SoftmaxSpec, group: str) -> Iterator[tuple[str, str]]:
    if settings.softmax != "chunked":
        yield f"{group}chunk", f"softmax is {settings.softmax}, not chunked"
    if settings.softmax != "sampled":
        yield f"{group}samples", f"softmax is {settings.softmax}, not sampled"


def _blend(fitted: bool, group: str) -> Iterator[tuple[str, str]]:
    for name in () if fitted else ("counts", "users"):
        yield f"{group}{name}", "blend.fit is off"


def _darec(method: DarecSpec) -> Iterator[tuple[str, str]]:
    if method.backbone != "nano":
        yield "method.nano.", f"the backbone is {method.backbone}, not nano"
    elif method.random_backbone:
        yield "method.nano.warmup_steps", "random_backbone is on"
    if method.mask not in SPLIT_MASKS:
        yield "method.lower_layers", f"with the mask {method.mask} all layers read alike"
    if method.text.content == "ids":
        for name in ("text.max_item_tokens", "text.attributes", "text.instruction", "text.components", "text_match"):
            yield f"method.{name}", "no text is read: text.content is ids"
    elif method.mask == "two_level":
        yield "method.text.instruction", "two_level reads no instruction"
    yield from _injection(method.injection)


def _injection(injection: InjectionSpec) -> Iterator[tuple[str, str]]:
    if injection.kind == "none":
        yield "method.injection.", "there is no CF model: injection.kind is none"
        return
    for name in _NETWORKS:
        if name != injection.kind.replace("-", "_"):
            yield f"method.injection.{name}.", f"the CF model is {injection.kind}"
    if not injection.joint:
        for name in ("alpha", "learning_rate", "stop_gradient"):
            yield f"method.injection.{name}", "the CF model is not trained on: injection.joint is off"
    elif not injection.share_of_time:
        yield "method.injection.learning_rate", "a CF model without a stage of its own learns at the common rate"
    if not injection.share_of_time:
        yield "method.injection.reuse", "the CF model has no stage of its own: share_of_time is 0"
