from pathlib import Path

import torch

from engine.collaborative.lightgcn import LightgcnModel
from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.methods.lightgcn.method import Implementation
from engine.methods.method import Context
from tests.engine.methods.runs import small_spec


def model(planted: Version, folder: Path, **settings: object) -> LightgcnModel:
    spec = small_spec("lightgcn", {f"method.{name}": value for name, value in settings.items()})
    torch.manual_seed(0)
    context = Context(spec, planted, leave_one_out(planted), torch.device("cpu"), folder, lambda event: None)
    network = Implementation(context).network
    assert isinstance(network, LightgcnModel)
    return network


def test_the_graph_holds_the_training_pairs_and_no_held_out_ones(planted: Version, tmp_path: Path) -> None:
    split = leave_one_out(planted)
    graph = model(planted, tmp_path).graph
    edges = set(zip(graph.edge_users.tolist(), graph.edge_items.tolist(), strict=True))
    assert edges == {(user, int(item)) for user in range(len(split.train)) for item in split.train[user]}
    for name in ("valid", "test"):
        users, targets = split.targets(name)  # type: ignore[arg-type]
        assert not edges & {
            (int(user), int(item)) for user, item in zip(users, targets, strict=True) if item not in split.train[int(user)]
        }


def test_final_vectors_are_the_mean_over_layers(planted: Version, tmp_path: Path) -> None:
    """By a dense matrix, as the paper writes it."""
    network = model(planted, tmp_path, layers=3)
    split = leave_one_out(planted)
    users, items = len(split.train), planted.counts.items
    adjacency = torch.zeros(users + items, users + items)
    for user in range(users):
        adjacency[user, users + split.train[user].astype(int)] = 1
    adjacency = torch.maximum(adjacency, adjacency.T)
    scale = adjacency.sum(dim=1).clamp(min=1) ** -0.5
    layer = total = torch.cat([network.user_table, network.item_table])
    for _ in range(3):
        layer = scale[:, None] * (adjacency @ (scale[:, None] * layer))
        total = total + layer
    torch.testing.assert_close(torch.cat(network.user_vectors()), total / 4)
