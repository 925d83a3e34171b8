"""A mask as a small matrix: the rules of ``engine.masking``, asked for each pair of tokens."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.masking.masks import Rule
from engine.preview.model import MOST_SEEN, MaskPicture, SeenToken

CAUSAL = "Each token sees itself and all tokens before it; none sees a later one."
UNION = "Each token sees all tokens before it, and all tokens of its own item, later ones too."
WITHIN = "Each token sees the tokens of its own item only, earlier and later ones."
EVERYTHING = "Each token sees all tokens, earlier and later ones."


def picture(title: str, sentence: str, tokens: Sequence[SeenToken], rule: Rule) -> MaskPicture:
    """The picture of ``rule`` over ``tokens``, which are all that there are."""
    seen = visible(rule, len(tokens))
    first = max(len(tokens) - MOST_SEEN, 0)
    return MaskPicture(
        title=title,
        sentence=sentence,
        labels=[token.text for token in tokens[first:]],
        items=[token.item for token in tokens[first:]],
        rows=["".join("01"[cell] for cell in row) for row in seen[first:, first:].int().tolist()],
        hidden=first,
    )


def visible(rule: Rule, length: int) -> Tensor:
    """`length x length`, boolean: whether the query (row) sees the key (column), in the first history and head of ``rule``."""
    places, zero = torch.arange(length), torch.tensor(0)
    seen: Tensor = rule(zero, zero, places[:, None], places[None, :])
    return seen.expand(length, length)
