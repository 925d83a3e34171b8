import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.adapters.choice import LayerChoice
from engine.search.layout import SpaceError
from engine.search.sampling import neighbour_rows, repair, sample_rows, sobol_rows
from engine.search.trial import BARE, Candidate
from tests.engine.search.spaces import space

FURTHER = [
    {"path": "training.learning_rate", "low": 1e-5, "high": 3e-3, "log": True},
    {"path": "method.mask", "choices": ["item", "none"]},
]
KINDS = ("none", "lora", "dora", "loha", "ia3")


@given(layers=st.integers(1, 9), groups=st.integers(1, 9), seed=st.integers(0, 2**31), share=st.floats(0.05, 1))
@settings(max_examples=60, deadline=None)
def test_rows_and_candidates_are_one_to_one_within_the_budget(layers: int, groups: int, seed: int, share: float) -> None:
    whole = space(layers, kinds=KINDS, groups=min(groups, layers), further=FURTHER)
    tied = space(layers, kinds=KINDS, groups=min(groups, layers), further=FURTHER, budget=max(int(share * whole.largest), 200))
    rows = sample_rows(tied, np.random.default_rng(seed), 20)
    for row in rows:
        candidate = tied.decode(row)
        assert (tied.encode(candidate) == row).all()
        assert tied.canonical(candidate) == candidate
        assert tied.contains(candidate)
        assert tied.parameters(candidate) <= tied.limit
    assert len({tied.decode(row) for row in rows}) == len({row.tobytes() for row in rows})


@given(st.lists(st.sampled_from(["none", "lora/both/4", "lora/mlp/2"]), min_size=3, max_size=3))
def test_a_bare_layer_has_one_form(names: list[str]) -> None:
    choices = tuple(LayerChoice.model_validate(name) for name in names)
    odd = tuple(
        LayerChoice.model_construct(kind="none", target="mlp", rank=0) if choice.kind == "none" else choice for choice in choices
    )
    assert Candidate(odd) == Candidate(choices)
    assert hash(Candidate(odd)) == hash(Candidate(choices))


def test_fields_are_sorted_and_may_be_a_mapping() -> None:
    assert Candidate((BARE,), {"b": 1, "a": 2}) == Candidate((BARE,), (("a", 2), ("b", 1)))  # type: ignore[arg-type]


def test_kinds_without_a_rank_and_with_few_targets_bring_one_option_each() -> None:
    options = [str(option) for option in space(1, kinds=("none", "lora", "ia3"), ranks=(2, 4)).options]
    assert options[0] == "none"
    assert [option for option in options if option.startswith("ia3")] == ["ia3/attention/1", "ia3/mlp/1", "ia3/both/1"]


def test_groups_tie_layers() -> None:
    tied = space(5, groups=2)
    assert tied.groups == ((0, 1, 2), (3, 4))
    assert space(4, groups=(0, 1, 1, 0)).groups == ((0, 3), (1, 2))
    untied = Candidate(tuple(LayerChoice(rank=rank) for rank in (2, 4, 2, 2, 2)))
    assert not tied.contains(untied)
    with pytest.raises(SpaceError, match="are tied"):
        tied.encode(untied)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"budget": 1}, "below the smallest adapter's"),
        ({"kinds": ("lora",), "budget": 20}, "below the smallest architecture's 36"),
        ({"groups": 9}, "more than the backbone's 4 layers"),
        ({"groups": (0, 1)}, "name 2 layers"),
    ],
)
def test_spaces_that_hold_nothing_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        space(4, **settings)


def test_baselines_are_uniform_halves_and_nothing_within_the_budget() -> None:
    small = space(4, budget=4 * 7 * 6)
    texts = [str(candidate) for candidate in small.baselines()]
    assert texts == [
        "lora/both/4 " * 3 + "lora/both/4",
        "lora/both/2 " * 3 + "lora/both/2",
        "none none lora/both/8 lora/both/8",
        "lora/both/8 lora/both/8 none none",
        "none none none none",
    ]
    assert len(space(1, kinds=("lora",), ranks=(4,)).baselines()) == 1


def test_neighbours_differ_by_one_change_or_one_swap() -> None:
    small = space(4, budget=150, further=FURTHER[1:])
    row = sample_rows(small, np.random.default_rng(3), 1)[0]
    around = neighbour_rows(small, row)
    differing = (around != row).sum(axis=1)
    assert set(differing) <= {1, 2}
    assert (small.row_costs(around) <= 150).all()
    assert all(sorted(other) == sorted(row) for other in around[differing == 2])
    assert small.decode(row) not in small.neighbours(small.decode(row))


def test_repair_gives_way_in_order_and_leaves_what_fits() -> None:
    small = space(4, targets=("both",), budget=4 * 7)
    full = np.full((1, 4), len(small.options) - 1)
    cut = repair(small, full, np.array([[3, 2, 1, 0]]))
    assert small.row_costs(cut)[0] <= 28
    fits = np.array([[1, 0, 0, 0]])
    assert (repair(small, fits, np.array([[0, 1, 2, 3]])) == fits).all()


def test_longer_sobol_draws_begin_with_the_shorter_ones() -> None:
    wide = space(32, kinds=KINDS)
    assert (sobol_rows(wide, 40, seed=1)[:5] == sobol_rows(wide, 5, seed=1)).all()
    assert (sobol_rows(wide, 5, seed=1) != sobol_rows(wide, 5, seed=2)).any()
    adapted = (sobol_rows(wide, 64, seed=0) > 0).mean(axis=1)
    assert adapted.min() < 0.2
    assert adapted.max() > 0.8
