import numpy as np
import pytest

from engine.evaluation.compare import Comparison, RankTable, paired
from engine.search.final import verdict

USERS = 3000


def compared(shift: float, users: int = USERS) -> Comparison:
    """The winner's targets one rank better for a share ``shift`` of the users, worse if it is below 0."""
    generator = np.random.default_rng(0)
    ranks = generator.integers(0, 30, users).astype(np.float64)
    chosen = generator.random(users) < abs(shift)
    moved = np.maximum(ranks - np.sign(shift) * chosen, 0)
    every = np.arange(users, dtype=np.int32)
    return paired([RankTable(every, moved)], [RankTable(every, ranks)])


@pytest.mark.parametrize(
    ("shift", "users", "words"),
    [
        (0.5, USERS, "Worth it: +"),
        (-0.5, USERS, "Not worth it, uniform LoRA is better: -"),
        (0.0, USERS, "Not worth it, as good as uniform LoRA: +0.0%"),
        (0.5, 500, "Not judged, the set is too small to tell: +"),
    ],
)
def test_a_verdict_in_words(shift: float, users: int, words: str) -> None:
    told = verdict(compared(shift, users), 1000, 1000)
    assert told.startswith(words)
    assert f"paired over {users:,} users, seeds: 1" in told
    assert "p = " in told
    assert "sizes differ" not in told


def test_noise_shows_no_difference() -> None:
    generator = np.random.default_rng(1)
    every = np.arange(USERS, dtype=np.int32)
    one, other = (RankTable(every, generator.integers(0, 30, USERS).astype(np.float64)) for _ in range(2))
    assert verdict(paired([one], [other]), 1000, 1000).startswith("Not worth it, no difference can be shown")


def test_unequal_sizes_are_said() -> None:
    assert "their sizes differ by 10%" in verdict(compared(0.5), 1000, 900)


def test_a_winner_that_is_uniform_is_said() -> None:
    told = verdict(compared(0.0), 1000, 1000, same=True)
    assert told.startswith("Not worth it, as good as uniform LoRA: +0.0%")
    assert told.endswith("Winner and rival are the same architecture: nothing else that was tried is expected to be better.")
