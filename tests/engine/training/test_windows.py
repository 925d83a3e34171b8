import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.sequences import Sequences
from engine.errors import DataError
from engine.training.windows import cut_windows, epoch_generator


def sequences_of(lengths: list[int]) -> Sequences:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Sequences(offsets, np.arange(offsets[-1], dtype=np.int32))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8), st.integers(1, 9), st.integers(0, 5))
@settings(max_examples=150, deadline=None)
def test_every_target_is_supervised_once_an_epoch(lengths: list[int], length: int, epoch: int) -> None:
    if max(lengths) < 2:
        with pytest.raises(DataError, match="2 training interactions"):
            cut_windows(sequences_of(lengths), length, epoch_generator(0, 0, epoch))
        return
    windows = cut_windows(sequences_of(lengths), length, epoch_generator(0, 0, epoch))
    supervised = sorted(
        (int(user), target)
        for user, start, stop in zip(windows.users, windows.starts, windows.stops, strict=True)
        for target in range(int(start) + 1, int(stop) + 1)
    )
    assert supervised == [(user, target) for user, n in enumerate(lengths) for target in range(1, n)]
    assert (windows.stops - windows.starts).max() <= length


def test_epochs_differ_and_repeat_by_seed() -> None:
    sequences = sequences_of([40, 40, 3])
    first, again, other = (cut_windows(sequences, 10, epoch_generator(0, 0, epoch)) for epoch in (0, 0, 1))
    assert first.starts.tolist() == again.starts.tolist()
    assert first.starts.tolist() != other.starts.tolist()
