"""Trainable parameters by arithmetic, before anything is built: no model, no torch. Tests compare with what is built."""

from collections.abc import Callable

from engine.adapters.costs import parameters
from engine.backbones.known import KnownBackbone, known_backbone
from engine.collaborative.spec import BprMfShape, Gru4recShape, HstuShape, LightgcnShape, SasrecShape
from engine.fields import Spec
from engine.methods.bert4rec.spec import Bert4recSpec
from engine.methods.darec.spec import SPLIT_MASKS, DarecSpec
from engine.methods.ensemble_spec import EnsembleSpec
from engine.spec import RunSpec

COUNTED = ("popularity", "markov", "item-knn")
"""Methods that count and train nothing."""


def trainable_parameters(spec: RunSpec, users: int, items: int) -> int | None:
    """Numbers that training a run of ``spec`` changes, on a version of that size; None where it takes loading a backbone.

    Raises UserError for an adapter that its backbone cannot have.
    """
    method = spec.method
    if method.id in COUNTED:
        return 0
    if isinstance(method, DarecSpec):
        backbone = known_backbone(method.backbone, method.nano)
        return None if backbone is None else _darec(method, backbone, users, items)
    if isinstance(method, Bert4recSpec):
        return _bert4rec(method, items)
    if isinstance(method, LightgcnShape | BprMfShape):
        return (users + items) * method.dimensions  # the norm, which only windows train, stays as it is
    known = _network(method, users, items)
    return None if known is None else known * (method.members if isinstance(method, EnsembleSpec) else 1)


def _network(shape: Spec, users: int, items: int) -> int | None:
    """A collaborative model with all that it holds; ``users`` counts for those only that have vectors of users."""
    for kind, counted in _NETWORKS.items():
        if isinstance(shape, kind):
            return counted(shape, users, items)
    return None


def _linear(inputs: int, outputs: int) -> int:
    return (inputs + 1) * outputs


def _sasrec(shape: SasrecShape, users: int, items: int) -> int:
    width = shape.dimensions
    block = 4 * width + _linear(width, 3 * width) + 3 * _linear(width, width)
    return (items + 1 + shape.window) * width + shape.blocks * block + 2 * width


def _hstu(shape: HstuShape, users: int, items: int) -> int:
    width, heads = shape.dimensions, shape.heads
    unit = width * heads * 2 * (shape.value_dimensions + shape.attention_dimensions)
    unit += shape.window * shape.relative_bias + _linear(heads * shape.value_dimensions, width)
    return (items + 1 + shape.window * shape.positions) * width + shape.layers * unit + 2 * width


def _gru4rec(shape: Gru4recShape, users: int, items: int) -> int:
    width, hidden = shape.dimensions, shape.hidden
    recurrent = sum(3 * hidden * (inputs + hidden + 2) for inputs in (width, *[hidden] * (shape.layers - 1)))
    return (items + 1) * width + recurrent + _linear(hidden, width) + 2 * width


def _bpr_mf(shape: BprMfShape, users: int, items: int) -> int:
    return items * shape.dimensions + 2 * shape.dimensions


def _lightgcn(shape: LightgcnShape, users: int, items: int) -> int:
    return (users + items) * shape.dimensions + 2 * shape.dimensions


_NETWORKS: dict[type[Spec], Callable[..., int]] = {
    SasrecShape: _sasrec,
    HstuShape: _hstu,
    Gru4recShape: _gru4rec,
    LightgcnShape: _lightgcn,  # before the shape that it extends
    BprMfShape: _bpr_mf,
}


def _bert4rec(method: Bert4recSpec, items: int) -> int:
    width = method.dimensions
    block = _linear(width, 3 * width) + _linear(width, width) + 4 * width + _linear(width, 4 * width) + _linear(4 * width, width)
    head = _linear(width, width) + 2 * width
    return (items + 2 + method.window) * width + 2 * width + method.blocks * block + head + items


def _darec(method: DarecSpec, backbone: KnownBackbone, users: int, items: int) -> int:
    injection, d_model = method.injection, backbone.dimensions
    shape = getattr(injection, injection.kind.replace("-", "_"), None)
    width = shape.dimensions if shape is not None else injection.sasrec.dimensions
    choices = method.architecture if len(method.architecture) > 1 else method.architecture * backbone.layers
    total = sum(parameters(choice, backbone.shapes) for choice in choices)
    total += d_model  # the marker
    if method.mask in SPLIT_MASKS and backbone.learned_positions:
        total += (method.text.window + 1) * d_model
    components = _components(method, backbone, items)
    total += d_model * width + components * width  # what the head makes of states and texts
    if method.text_match and method.text.content == "text":
        total += 2 + components + d_model * components
    if method.tasks.item_grounding:
        total += d_model * width
    if shape is None:
        return total + items * width + 2 * width
    gates = injection.item + injection.state + injection.long_term
    total += gates * (1 + 2 * width + _linear(width, d_model)) + injection.long_term * d_model
    return total + (_network(shape, users, items) or 0)


def _components(method: DarecSpec, backbone: KnownBackbone, items: int) -> int:
    """Size of the items' text vectors; principal components that vanish, of a catalogue with few texts, count here too."""
    if method.text.content == "ids":
        return 1
    wanted, whole = method.text.components, backbone.dimensions
    return min(wanted, items - 1, whole) if wanted else whole
