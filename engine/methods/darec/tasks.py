"""The further tasks of coarse-grained adaption (method.md section 2.2): writing the next title, grounding items in text."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engine.methods.darec.injection import CollaborativeView
from engine.methods.darec.layout import NOTHING
from engine.methods.darec.model import DarecModel

GROUNDED_ITEMS = 128
TEMPERATURE = 0.1


def title_table(titles: list[list[int]], device: torch.device) -> Tensor:
    """`items + 1 x longest`: the tokens of each title, then ``NOTHING``; the last row (padding) is all ``NOTHING``."""
    longest = max(1, max((len(ids) for ids in titles), default=1))
    table = torch.full((len(titles) + 1, longest), NOTHING, dtype=torch.long)
    for index, ids in enumerate(titles):
        table[index, : len(ids)] = torch.tensor(ids, dtype=torch.long)
    return table.to(device)


def next_title_loss(
    model: DarecModel,
    histories: Tensor,
    targets: Tensor,
    view: CollaborativeView | None,
    titles: Tensor,
    generator: np.random.Generator,
) -> Tensor:
    """Cross-entropy of the next item's title at one random position of each window, mean over tokens.

    The history is cut behind that position and the title follows it causally, so that no token of the title, which stands in
    the context of later positions, can be seen.

    Args:
        histories, targets: `batch x length`, padded with the number of items; the item at ``targets[b, k]`` follows
            ``histories[b, k]``.
        titles: what ``title_table`` gave.
    """
    padding = len(titles) - 1
    lengths = (histories != padding).sum(dim=1)
    kept = torch.from_numpy(1 + generator.integers(0, lengths.cpu().numpy())).to(histories.device)
    longest = int(kept.max())
    places = torch.arange(longest, device=histories.device)
    cut = torch.where(places < kept[:, None], histories[:, :longest], padding)
    wanted = titles[targets.gather(1, (kept - 1)[:, None])[:, 0]]
    wanted = wanted[:, : max(1, int((wanted != NOTHING).sum(dim=1).max()))]
    real = wanted != NOTHING
    if not real.any():
        return histories.new_zeros((), dtype=torch.float32)
    logits = model.written(cut, _until(view, longest), wanted.clamp(min=0))
    return functional.cross_entropy(logits[real], wanted[real])


def item_grounding_loss(
    model: DarecModel, targets: Tensor, vectors: Tensor, same_title: Tensor, generator: np.random.Generator
) -> Tensor:
    """In-batch contrast: the marker's state after an item's text alone must be nearest to the item's own CF vector.

    ``-log softmax_j(cos(W h_i, sg(c_j)) / .1)`` at j = i, mean over the items; items with equal titles are no negatives.

    Args:
        targets: any shape; at most 128 distinct items of it are drawn; the number of items is padding.
        vectors: ``c_i``, `items x d`.
        same_title: `items`, equal numbers for equal titles.
    """
    if model.to_vectors is None:
        raise ValueError("the model was built without the item_grounding task")
    items = targets[targets != len(vectors)].unique()
    if len(items) > GROUNDED_ITEMS:
        chosen = np.sort(generator.choice(len(items), GROUNDED_ITEMS, replace=False))
        items = items[torch.from_numpy(chosen).to(items.device)]
    found = functional.normalize(model.to_vectors(model.from_text_alone(items)), dim=1)
    wanted = functional.normalize(vectors[items].detach(), dim=1)
    groups = same_title[items]
    twins = (groups[:, None] == groups[None, :]) & ~torch.eye(len(items), dtype=torch.bool, device=items.device)
    logits = (found @ wanted.T / TEMPERATURE).masked_fill(twins, -torch.inf)
    return functional.cross_entropy(logits, torch.arange(len(items), device=items.device))


def alignment_loss(states: Tensor, collaborative: Tensor) -> Tensor:
    """``L_align``: mean of ``1 - cos(W_h h_k, sg(z_k))`` over positions; both `positions x d`."""
    return (1 - functional.cosine_similarity(states, collaborative.detach(), dim=1)).mean()


def _until(view: CollaborativeView | None, length: int) -> CollaborativeView | None:
    if view is None:
        return None
    return CollaborativeView(view.vectors, view.states[:, :length], view.before, view.has_before)
