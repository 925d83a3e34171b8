"""What an adapter costs in trainable parameters, by arithmetic: no model, no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isqrt

from engine.adapters.choice import LayerChoice
from engine.adapters.kinds import ADAPTER_KINDS
from engine.adapters.maps import SCALED_AT_INPUT, adapted_maps
from engine.backbones.families import Family
from engine.errors import UserError


@dataclass(frozen=True)
class MapShape:
    """A linear map: its path below the layer, the number of its inputs and outputs."""

    name: str
    inputs: int
    outputs: int


@dataclass(frozen=True)
class LayerShapes:
    """The adaptable linear maps of one layer of a family."""

    family: Family
    maps: tuple[MapShape, ...]

    def chosen(self, choice: LayerChoice) -> list[MapShape]:
        """The maps that ``choice`` adapts."""
        names = adapted_maps(choice.kind, self.family, choice.target)
        return [shape for shape in self.maps if shape.name in names]


def parameters(choice: LayerChoice, layer: LayerShapes) -> int:
    """Trainable parameters of ``choice`` on ``layer``; raises UserError as ``adapter_parameters`` and ``check_kind`` do."""
    check_kind(choice.kind, layer.family)
    return adapter_parameters(choice.kind, layer.chosen(choice), choice.rank)


def adapter_parameters(kind: str, shapes: Sequence[MapShape], rank: int) -> int:
    """Trainable parameters of an adapter of ``kind`` and ``rank`` on the maps ``shapes``.

    Raises UserError for a rank that the maps cannot have, or that means the same as a lower one.
    """
    if kind == "none":
        return 0
    count = {"lora": _lora, "dora": _dora, "loha": _loha, "lokr": _lokr, "oft": _oft, "ia3": _ia3}[kind]
    if kind == "oft":
        _check_blocks(shapes, rank)
    if kind == "lokr":
        _check_not_full(shapes, rank)
    return sum(count(shape, rank) for shape in shapes)


def check_kind(kind: str, family: Family, *, four_bit: bool = False) -> None:
    """Raise UserError, with the reason, if PEFT cannot put ``kind`` on the maps of ``family``."""
    known = ADAPTER_KINDS.get(kind)
    if family.transposed and not known.transposed:
        reason = "PEFT makes it for plain linear maps only, and this backbone's are Conv1D (weights stored transposed)"
    elif four_bit and not known.four_bit:
        reason = "PEFT builds its update in the shape of the weights, which 4bit packs; choose method.weights bf16 or fp32 for it"
    else:
        return
    usable = [
        other.name for other in ADAPTER_KINDS if (other.transposed or not family.transposed) and (other.four_bit or not four_bit)
    ]
    raise UserError(
        f"method.architecture: {kind} is not possible with this backbone: {reason}.", f"Possible here: {', '.join(usable)}."
    )


def _lora(shape: MapShape, rank: int) -> int:
    return rank * (shape.inputs + shape.outputs)


def _dora(shape: MapShape, rank: int) -> int:
    return _lora(shape, rank) + shape.outputs


def _loha(shape: MapShape, rank: int) -> int:
    return 2 * _lora(shape, rank)


def _lokr(shape: MapShape, rank: int) -> int:
    (rows, large_rows), (columns, large_columns) = near_square(shape.outputs), near_square(shape.inputs)
    full = rank >= _full_rank(shape)
    return rows * columns + (large_rows * large_columns if full else rank * (large_rows + large_columns))


def _oft(shape: MapShape, rank: int) -> int:
    return shape.inputs // rank * (rank * (rank - 1) // 2)


def _ia3(shape: MapShape, rank: int) -> int:
    return shape.inputs if shape.name in SCALED_AT_INPUT else shape.outputs


def near_square(number: int) -> tuple[int, int]:
    """``(a, b)`` with ``a b = number``, ``a <= b`` and ``a`` as large as can be."""
    smaller = next(divisor for divisor in range(isqrt(number), 0, -1) if number % divisor == 0)
    return smaller, number // smaller


def _full_rank(shape: MapShape) -> int:
    """From this rank on LoKr's larger factor is a full matrix."""
    return ceil(max(near_square(shape.outputs)[1], near_square(shape.inputs)[1]) / 2)


def _check_not_full(shapes: Sequence[MapShape], rank: int) -> None:
    highest = max((_full_rank(shape) for shape in shapes), default=rank)
    if rank > highest:
        raise UserError(
            f"method.architecture: got lokr with rank {rank}, must be {highest} or less on this backbone: from {highest} on "
            "all its updates are full, and a higher rank means the same."
        )


def _check_blocks(shapes: Sequence[MapShape], rank: int) -> None:
    unfit = [shape for shape in shapes if shape.inputs % rank]
    if unfit:
        raise UserError(
            f"method.architecture: got oft with blocks of {rank}, which does not divide the {unfit[0].inputs} inputs of "
            f"{unfit[0].name}.",
            "Choose a rank that divides the inputs of all adapted maps, e.g. a power of two.",
        )
