"""The values that a further field may take, as a list: with it every point of a search is a tuple of whole numbers."""

import math

from engine.search.spec import FieldValue, FurtherField


def levels_of(field: FurtherField) -> tuple[FieldValue, ...]:
    """Values of ``field`` in order. Ranges are rounded to six digits, so that a value written down is the value read back."""
    if field.choices:
        return field.choices
    low, high = _range(field)
    shares = [index / (field.levels - 1) for index in range(field.levels)]
    if field.log:
        values = [math.exp(math.log(low) + share * (math.log(high) - math.log(low))) for share in shares]
    else:
        values = [low + share * (high - low) for share in shares]
    return tuple(float(f"{value:.6g}") for value in values)


def start_level(field: FurtherField) -> int:
    """Index of the level that hand-made trials use: the one nearest to ``field.start``, or the middle, or the first choice."""
    levels = levels_of(field)
    if field.choices:
        return 0 if field.start is None else levels.index(field.start)
    if field.start is None:
        return len(levels) // 2
    distances = [_distance(field, float(level), float(field.start)) for level in levels]
    return distances.index(min(distances))


def _distance(field: FurtherField, one: float, other: float) -> float:
    return abs(math.log(one / other)) if field.log else abs(one - other)


def _range(field: FurtherField) -> tuple[float, float]:
    if field.low is None or field.high is None:
        raise ValueError(f"{field.path}: has no range")
    return field.low, field.high
