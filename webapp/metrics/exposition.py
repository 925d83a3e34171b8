"""Prometheus' text format, version 0.0.4: families of samples with labels."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass
class Family:
    """All samples of one metric.

    Attributes:
        name: letters, digits and underscores; a counter's ends in ``_total``.
        kind: counter, gauge or histogram.
        samples: (suffix of the name, labels, value).
    """

    name: str
    kind: str
    help: str
    samples: list[tuple[str, dict[str, str], float]] = field(default_factory=list)

    def add(self, value: float, labels: Mapping[str, str] | None = None, suffix: str = "") -> None:
        """One more sample."""
        self.samples.append((suffix, dict(labels or {}), value))

    def add_histogram(self, labels: Mapping[str, str], bounds: Iterable[float], counts: list[int], total: float) -> None:
        """The samples of a histogram.

        Args:
            bounds: upper bounds of the buckets, rising, without infinity.
            counts: observations in each bucket alone, the last one beyond all bounds.
            total: sum of all observations.
        """
        so_far = 0
        for bound, count in zip([*bounds, math.inf], counts, strict=True):
            so_far += count
            self.add(so_far, {**labels, "le": number(bound)}, "_bucket")
        self.add(total, labels, "_sum")
        self.add(so_far, labels, "_count")


def write(families: Iterable[Family]) -> str:
    """The text of all families; each name may come once. Ends with a line feed."""
    lines = []
    for family in families:
        lines.append(f"# HELP {family.name} {_escape_help(family.help)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines += [f"{family.name}{suffix}{_labels(labels)} {number(value)}" for suffix, labels, value in family.samples]
    return "".join(f"{line}\n" for line in lines)


def number(value: float) -> str:
    """As Prometheus reads it: ``+Inf``, ``-Inf``, ``NaN``, whole numbers without a point."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items()) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _escape_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
