"""The parts that DARec's score is made of, for a blend: network, CF model, match of texts, and what texts say untrained."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.methods.darec.model import DarecModel


@dataclass(frozen=True, eq=False)
class LastStates:
    """What the models say after the last item of each history.

    Attributes:
        items, lengths: the backbone's histories, `batch x length` and `batch`.
        ranking: `batch x (d + components)`, a row of what ``DarecModel.forward`` gives.
        vectors: `items x (d + components)`, what ``DarecModel.item_vectors`` gives.
        states: ``z_k``, `batch x d`; None without a CF model.
        collaborative: ``c_i``, `items x d`; None without a CF model.
    """

    items: Tensor
    lengths: Tensor
    ranking: Tensor
    vectors: Tensor
    states: Tensor | None
    collaborative: Tensor | None


def part_names(model: DarecModel) -> dict[str, float]:
    """The parts of the model's score, in the order of ``score_parts``, each with its weight in training."""
    names = {"network": 1.0}
    if model.network is not None:
        names["collaborative"] = 0.0
    if model.text_match is not None:
        names |= {"text match": 1.0, "text history": 0.0}
    return names


@torch.no_grad()
def score_parts(model: DarecModel, last: LastStates) -> list[Tensor]:
    """The parts, each `batch x items`; those of weight 1 in training add up to the score that it used."""
    items = part_items(model, last.vectors, last.collaborative)
    return [queries @ vectors.T for queries, vectors in zip(part_queries(model, last), items, strict=True)]


def part_items(model: DarecModel, vectors: Tensor, collaborative: Tensor | None) -> list[Tensor]:
    """What each part multiplies with: `items x d` or `items x components`; arguments as in ``LastStates``."""
    width = model.from_hidden.out_features
    parts = [vectors[:, :width]]
    if model.network is not None and collaborative is not None:
        parts.append(collaborative)
    if model.text_match is not None:
        parts += [vectors[:, width:]] * 2
    return parts


@torch.no_grad()
def part_queries(model: DarecModel, last: LastStates) -> list[Tensor]:
    """What each part knows of the histories: `batch x d` or `batch x components`."""
    width = model.from_hidden.out_features
    parts = [last.ranking[:, :width]]
    if model.network is not None and last.states is not None:
        states: Tensor = model.network.norm(last.states)
        parts.append(states)
    if model.text_match is not None:
        rows = torch.arange(len(last.items), device=last.items.device)
        history = model.text_match.history_queries(last.items)[rows, last.lengths - 1]
        parts += [last.ranking[:, width:], history]
    return parts
