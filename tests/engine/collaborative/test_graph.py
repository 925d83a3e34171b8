import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engine.collaborative.graph import InteractionGraph
from engine.data.sequences import Sequences

ITEMS = 6
HISTORIES = st.lists(st.lists(st.integers(0, ITEMS - 1), max_size=8), min_size=2, max_size=5)


def sequences(histories: list[list[int]]) -> Sequences:
    offsets = np.concatenate([[0], np.cumsum([len(history) for history in histories])]).astype(np.int64)
    return Sequences(offsets, np.array([item for history in histories for item in history], dtype=np.int32))


def dense(graph: InteractionGraph, dropped: Tensor | None = None) -> Tensor:
    """The propagation matrix, `nodes x nodes`."""
    nodes = graph.users + graph.items
    return graph.propagate(torch.eye(nodes, dtype=torch.float64), graph.weights(dropped))


def by_hand(histories: list[list[int]]) -> Tensor:
    """D^-1/2 A D^-1/2 as the paper writes it."""
    nodes = len(histories) + ITEMS
    adjacency = torch.zeros(nodes, nodes, dtype=torch.float64)
    for user, history in enumerate(histories):
        for item in history:
            adjacency[user, len(histories) + item] = adjacency[len(histories) + item, user] = 1
    degrees = adjacency.sum(dim=1)
    scale = torch.where(degrees > 0, degrees.clamp(min=1) ** -0.5, 0.0)
    return scale[:, None] * adjacency * scale


@given(HISTORIES)
@settings(deadline=None)
def test_the_matrix_is_the_papers(histories: list[list[int]]) -> None:
    torch.testing.assert_close(dense(InteractionGraph(sequences(histories), ITEMS)), by_hand(histories), atol=1e-6, rtol=1e-6)


@given(HISTORIES, st.lists(st.tuples(st.integers(0, 1), st.integers(0, ITEMS - 1)), max_size=6))
@settings(deadline=None)
def test_dropping_edges_is_building_the_graph_without_them(histories: list[list[int]], dropped: list[tuple[int, int]]) -> None:
    graph = InteractionGraph(sequences(histories), ITEMS)
    without = [[item for item in history if (user, item) not in dropped] for user, history in enumerate(histories)]
    pairs = torch.tensor(dropped, dtype=torch.long).view(-1, 2)
    assert torch.equal(dense(graph, pairs), dense(InteractionGraph(sequences(without), ITEMS)))


def test_the_gradient_is_right() -> None:
    graph = InteractionGraph(sequences([[0, 1, 1, 3], [1, 2], [5]]), ITEMS)
    weights = graph.weights().double()
    vectors = torch.randn(9, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda inputs: graph.propagate(inputs, weights), (vectors,))


def test_an_empty_graph_gives_zeros() -> None:
    graph = InteractionGraph(sequences([[], []]), ITEMS)
    assert graph.propagate(torch.ones(8, 2), graph.weights(torch.tensor([[0, 1]]))).count_nonzero() == 0


@pytest.mark.parametrize("dropped", [[[0, 5]], [[1, 0]]])
def test_dropping_what_is_no_edge_changes_nothing(dropped: list[list[int]]) -> None:
    graph = InteractionGraph(sequences([[0, 1], [2]]), ITEMS)
    assert torch.equal(dense(graph, torch.tensor(dropped)), dense(graph))
