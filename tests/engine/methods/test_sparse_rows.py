import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from engine.errors import CheckpointError
from engine.methods import sparse_rows
from engine.methods.sparse_rows import SparseRows, recent_votes

CPU = torch.device("cpu")


def random_matrix(items: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.where(generator.random((items, items)) < 0.4, generator.random((items, items)), 0)


@settings(max_examples=60, deadline=None)
@given(
    items=st.integers(1, 12),
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    last=st.one_of(st.none(), st.integers(1, 5)),
    at_once=st.integers(1, 40),
    seed=st.integers(0, 1000),
)
def test_sums_equal_those_of_the_dense_matrix(items: int, lengths: list[int], last: int | None, at_once: int, seed: int) -> None:
    dense = random_matrix(items, seed)
    rows = SparseRows.from_matrix(sparse.csr_array(dense), CPU)
    generator = np.random.default_rng(seed)
    histories = [generator.integers(0, items, length).astype(np.int32) for length in lengths]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse_rows, "AT_ONCE", at_once)
        found = rows.sums(recent_votes(histories, last, 0.5, CPU), len(histories))
    for row, history in zip(found, histories, strict=True):
        wanted = np.zeros(items)
        for back, item in enumerate(reversed(history.tolist())):
            if last is None or back < last:
                wanted += 0.5**back * dense[item]
        np.testing.assert_allclose(row.numpy(), wanted, atol=1e-5)


def test_only_what_is_not_zero_is_stored() -> None:
    dense = random_matrix(20, 0)
    state = SparseRows.from_matrix(sparse.csr_array(dense), CPU).state()
    assert {name: tensor.numel() for name, tensor in state.items()} == {
        "starts": 21,
        "columns": np.count_nonzero(dense),
        "values": np.count_nonzero(dense),
    }
    opened = SparseRows.from_state(state, 20, CPU)
    assert all(torch.equal(opened.state()[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("columns", torch.tensor([0, 9, 1], dtype=torch.int32)),
        ("columns", torch.tensor([0, -1, 1], dtype=torch.int32)),
        ("columns", torch.tensor([0, 1], dtype=torch.int32)),
        ("starts", torch.tensor([0, 1, 2, 9])),
        ("starts", torch.tensor([0, 3, 2, 3])),
        ("starts", torch.tensor([0, 3])),
    ],
)
def test_damaged_rows_are_refused(name: str, tensor: torch.Tensor) -> None:
    state = {
        "starts": torch.tensor([0, 1, 2, 3]),
        "columns": torch.tensor([0, 2, 1], dtype=torch.int32),
        "values": torch.ones(3),
    }
    assert SparseRows.from_state(state, 3, CPU).items == 3
    with pytest.raises(CheckpointError):
        SparseRows.from_state({**state, name: tensor}, 3, CPU)
