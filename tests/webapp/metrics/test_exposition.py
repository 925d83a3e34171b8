"""The text format, letter by letter."""

import math
import re

import pytest

from tests.support.attacks import ATTACKS
from webapp.metrics.exposition import Family, number, write


def test_the_text() -> None:
    counter = Family("a_total", "counter", 'Of "things"\nand \\ more.')
    counter.add(3, {"view": 'x"y\\z\n', "status": "200"})
    counter.add(0.5)
    histogram = Family("b_seconds", "histogram", "Time.")
    histogram.add_histogram({"view": "v"}, (0.1, 1.0), [2, 0, 1], 7.25)
    assert write([counter, histogram]) == (
        '# HELP a_total Of "things"\\nand \\\\ more.\n'
        "# TYPE a_total counter\n"
        'a_total{view="x\\"y\\\\z\\n",status="200"} 3\n'
        "a_total 0.5\n"
        "# HELP b_seconds Time.\n"
        "# TYPE b_seconds histogram\n"
        'b_seconds_bucket{view="v",le="0.1"} 2\n'
        'b_seconds_bucket{view="v",le="1"} 2\n'
        'b_seconds_bucket{view="v",le="+Inf"} 3\n'
        'b_seconds_sum{view="v"} 7.25\n'
        'b_seconds_count{view="v"} 3\n'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (1.0, "1"), (-0.25, "-0.25"), (1e300, "1e+300"), (math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN")],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_a_histogram_needs_a_count_for_each_bucket() -> None:
    with pytest.raises(ValueError, match="zip"):
        Family("b", "histogram", "").add_histogram({}, (1.0,), [1], 1.0)


def test_attacks_stay_within_their_label() -> None:
    letters = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}
    for text in ATTACKS:
        family = Family("a_total", "counter", text)
        family.add(1, {"view": text})
        helped, kind, sample, end = write([family]).split("\n")
        assert (kind, end) == ("# TYPE a_total counter", "")
        assert helped.startswith("# HELP a_total ")
        found = re.fullmatch(r'a_total\{view="((?:[^"\\]|\\["\\n])*)"\} 1', sample, re.DOTALL)
        assert found, sample
        assert re.sub(r"\\.", lambda sign: letters[sign[0]], found[1]) == text
