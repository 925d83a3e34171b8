"""The items of a version as tokens of a backbone, and whether they fit it."""

from dataclasses import dataclass

import polars as pl

from engine.backbones.backbone import Backbone
from engine.errors import UserError
from engine.methods.darec.layout import item_texts
from engine.methods.darec.spec import DarecSpec


@dataclass(frozen=True)
class Tokenised:
    """What the backbone reads.

    Attributes:
        tokens: ids of each item's text, cut to ``text.max_item_tokens``, without its marker.
        prefix: ids of the start token and the instruction.
    """

    tokens: list[list[int]]
    prefix: list[int]


def tokenise(settings: DarecSpec, backbone: Backbone, items: pl.DataFrame) -> Tokenised:
    """Tokenise all texts.

    Raises UserError for unknown columns, and if the backbone is shorter than the window.
    """
    text = settings.text
    with_text = text.content == "text"
    texts = item_texts(items, text.attributes)
    tokens = backbone.encode(texts, text.max_item_tokens) if with_text else [[] for _ in texts]
    prefix = backbone.prefix_ids
    if with_text and text.instruction:
        prefix = prefix + backbone.encode([text.instruction], backbone.positions)[0]
    check_length(settings, backbone, len(prefix), max(map(len, tokens)))
    return Tokenised(tokens, prefix)


def reads_soft_token(settings: DarecSpec) -> bool:
    """Whether a soft token in front tells what happened before the window."""
    return settings.injection.kind != "none" and settings.injection.long_term


def check_length(settings: DarecSpec, backbone: Backbone, prefix: int, longest: int) -> None:
    """Raise UserError unless histories whose items have up to ``longest`` tokens fit the backbone's positions."""
    text = settings.text
    if settings.mask == "two_level":
        _check_item(settings, backbone, longest)
        return
    soft = int(reads_soft_token(settings))
    written = text.max_item_tokens if settings.tasks.next_title else 0
    need = prefix + soft + text.window * (longest + 1) + written
    if need > backbone.positions:
        raise UserError(
            f"method.text.window: {text.window} items of up to {longest} tokens need {need} positions, "
            f"but {backbone.name} reads {backbone.positions}.",
            "Lower method.text.window or method.text.max_item_tokens, choose a backbone that reads more, "
            "or method.mask=two_level, which reads one item at a time.",
        )


def _check_item(settings: DarecSpec, backbone: Backbone, longest: int) -> None:
    need = max(longest + 1, settings.text.window + 1 + settings.text.max_item_tokens)
    if need > backbone.positions:
        raise UserError(
            f"method.text.max_item_tokens: an item of up to {longest} tokens, or {settings.text.window} items one state each, "
            f"need {need} positions, but {backbone.name} reads {backbone.positions}.",
            "Lower method.text.max_item_tokens or method.text.window, or choose a backbone that reads more.",
        )
