from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.webapp.searches.planting import candidate
from webapp.axes import axis
from webapp.searches.charts import front
from webapp.searches.coordinates import mean_rank
from webapp.searches.layer_map import cell, short_count
from webapp.searches.models import SearchTrial, TrialState

VALUES = st.lists(st.floats(0, 1e7), min_size=1, max_size=20)


@given(VALUES, st.booleans())
def test_an_axis_holds_its_values_and_has_few_round_ticks(values: list[float], zero: bool) -> None:
    made = axis(values, 300, 0, zero=zero)
    assert made.low <= min(values) + 1e-9
    assert made.high >= max(values) - 1e-9 * max(1, max(values))
    assert 2 <= len(made.ticks) <= 8
    assert all(one < other for one, other in pairwise(made.ticks))
    assert made(made.low) == 300
    assert made(made.high) == 0


@given(st.lists(st.tuples(st.integers(0, 100), st.floats(0, 1)), min_size=1, max_size=30))
def test_the_front_is_what_nothing_beats(points: list[tuple[int, float]]) -> None:
    rows = [
        SearchTrial(number=number, parameters=size, value=value, state=TrialState.DONE)
        for number, (size, value) in enumerate(points)
    ]
    found = {(row.parameters, row.value) for row in front(rows)}
    beaten = {
        (size, value)
        for size, value in points
        if any(other != (size, value) and other[0] <= size and other[1] >= value for other in points)
    }
    assert found == set(points) - beaten


def test_cells_say_kind_target_and_rank() -> None:
    assert 'title="LoRA on attention only, rank 8"' in cell("lora/attention/8")
    assert ">L8<i> attention</i>" in cell("lora/attention/8")
    assert ">D4</td>" in cell("dora/both/4")
    assert ">I</td>" in cell("ia3/both/1")
    assert "no adapter" in cell("none")
    assert "marked" in cell("none", True)
    assert "<b>" not in cell("<b>/both/4")


def test_short_counts() -> None:
    assert [short_count(value) for value in (0, 999, 1000, 9949, 9950, 393_216, 999_499, 999_500, 123_456_789)] == [
        "0",
        "999",
        "1.0k",
        "9.9k",
        "10k",
        "393k",
        "999k",
        "1.0M",
        "123M",
    ]


def test_mean_rank_counts_bare_layers_as_0() -> None:
    assert mean_rank(["none", "lora/both/8"]) == 4
    assert mean_rank([]) == 0
    assert mean_rank(candidate(6, 1).to_json()["architecture"]) > 0
