"""The backbone's own text vector of each item: the mean over its token states, computed once for a catalogue."""

import os
from collections.abc import Callable

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from engine.backbones.backbone import Backbone, right_padded
from engine.cache import cached, make_room, recipe_hash

_BATCH = 64


@torch.no_grad()
def text_vectors(
    backbone: Backbone, tokens: list[list[int]], on_batch: Callable[[int, int], None] = lambda done, total: None
) -> Tensor:
    """``t_i``: `items x d_model`, each with mean 0 and variance 1 over its dimensions; cached by backbone and tokens.

    The model reads as it was trained to: a decoder causally, an encoder in both directions and framed by its own first and last
    token, which count in the mean (so sentence-transformers' mean pooling reads).

    Args:
        tokens: the token ids of each item's text.
        on_batch: told (items done, items in all); may raise to stop.
    """
    path = cached("text_vectors", f"{recipe_hash(2, backbone.identity, tokens)}.safetensors")
    if path.is_file():
        return load_file(path)["vectors"].to(backbone.model.device)
    framed = [_framed(backbone, ids) for ids in tokens]
    parts = []
    for start in range(0, len(tokens), _BATCH):
        on_batch(start, len(tokens))
        ids, mask = (table.to(backbone.model.device) for table in right_padded(framed[start : start + _BATCH]))
        states = backbone.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state.float()
        weights = mask[:, :, None].to(states.dtype)
        parts.append((states * weights).sum(dim=1) / weights.sum(dim=1))
    vectors = functional.layer_norm(torch.cat(parts), (backbone.dimensions,))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.writing")  # another process may write the same vectors at the same moment
    save_file({"vectors": vectors.cpu().contiguous()}, temporary)
    temporary.rename(path)
    make_room()
    return vectors


def _framed(backbone: Backbone, ids: list[int]) -> list[int]:
    """The tokens as the model reads a text of its own, cut to what it can read."""
    before, after = (backbone.prefix_ids, backbone.suffix_ids) if backbone.family.encoder else ([], [])
    return [*before, *ids[: backbone.positions - len(before) - len(after)], *after]
