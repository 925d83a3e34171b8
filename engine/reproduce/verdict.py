"""Whether two sets of numbers agree, in words. No torch here."""

from pydantic import BaseModel, ConfigDict, Field

from engine.reproduce.model import Numbers

FLOOR = 0.002
"""So much a metric may always differ where bits need not be equal: a few users of a small data set."""


class Line(BaseModel):
    """One metric before and now."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="valid or test, and the metric: test ndcg@10")
    before: float
    now: float
    agrees: bool


class Verdict(BaseModel):
    """The answer of ``reproduce``."""

    model_config = ConfigDict(frozen=True)

    agrees: bool
    bits: bool = Field(description="every metric and every user's rank is the same to the last bit")
    expected: str = Field(description="'bits' or 'tolerance': what was asked of the numbers")
    why: list[str] = Field(description="why equal bits were not asked for; empty where they were")
    sentence: str
    lines: list[Line]


def verdict(before: Numbers, now: Numbers, why: list[str], tolerance: float) -> Verdict:
    """Compare.

    Args:
        why: why bits need not be equal, if anything; empty asks for equal bits.
        tolerance: relative difference that each metric may have then.
    """
    lines = [
        Line(name=f"{part} {name}", before=value, now=found, agrees=_agree(value, found, why, tolerance))
        for part in ("valid", "test")
        for name, value, found in _pairs(getattr(before, part), getattr(now, part))
    ]
    same_protocol = before.protocol == now.protocol
    bits = same_protocol and before == now
    agrees = same_protocol and all(line.agrees for line in lines) and (bits or bool(why)) and _names(before) == _names(now)
    return Verdict(
        agrees=agrees,
        bits=bits,
        expected="tolerance" if why else "bits",
        why=why,
        sentence=_sentence(agrees, bits, same_protocol, lines, tolerance, bool(why)),
        lines=lines,
    )


def _names(numbers: Numbers) -> tuple[set[str], set[str]]:
    return set(numbers.valid), set(numbers.test)


def _pairs(before: dict[str, float], now: dict[str, float]) -> list[tuple[str, float, float]]:
    return [(name, before[name], now[name]) for name in sorted(before.keys() & now.keys())]


def _agree(before: float, now: float, why: list[str], tolerance: float) -> bool:
    if not why:
        return before == now
    return abs(before - now) <= max(FLOOR, tolerance * max(abs(before), abs(now)))


def _sentence(agrees: bool, bits: bool, same_protocol: bool, lines: list[Line], tolerance: float, loose: bool) -> str:
    if not same_protocol:
        return "The protocol is another one, so that the numbers cannot be compared."
    if bits:
        return f"All {len(lines)} numbers, and the rank of every user, are the same to the last bit."
    largest = max(lines, key=lambda line: abs(line.before - line.now), default=None)
    told = "" if largest is None else f" The largest difference is {largest.name}: {largest.before:.6f}, now {largest.now:.6f}."
    if agrees:
        return f"The numbers agree within {tolerance:.0%} (or {FLOOR:g}), but not to the last bit.{told}"
    if not loose:
        return f"The numbers are not the same, although this machine is of the same kind.{told}"
    off = sum(not line.agrees for line in lines)
    return f"{off} of {len(lines)} numbers differ by more than {tolerance:.0%} (and {FLOOR:g}).{told}"
