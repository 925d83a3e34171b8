import numpy as np
import pytest

from engine.data.sequences import Sequences, offsets_of


def test_sequences_are_views_of_one_array() -> None:
    sequences = Sequences(np.array([0, 2, 2, 3]), np.array([5, 6, 7], np.int32))
    assert len(sequences) == 3
    assert [sequence.tolist() for sequence in sequences] == [[5, 6], [], [7]]
    assert sequences.lengths.tolist() == [2, 0, 1]
    assert np.shares_memory(sequences[0], sequences.items)


@pytest.mark.parametrize("user", [-1, 3])
def test_there_are_no_users_beyond_the_ends(user: int) -> None:
    with pytest.raises(IndexError, match="users are 0 to 2"):
        Sequences(np.array([0, 2, 2, 3]), np.array([5, 6, 7], np.int32))[user]


def test_offsets_count_users_without_rows() -> None:
    assert offsets_of(np.array([0, 0, 2], np.int32), 4).tolist() == [0, 2, 2, 3, 3]
