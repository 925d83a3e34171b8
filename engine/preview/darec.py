"""What DARec's backbone reads: tokens of texts, markers, soft token, and the masks of its layers."""

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers.masking_utils import causal_mask_function

from engine.backbones.backbone import Backbone
from engine.backbones.weightless import weightless_backbone
from engine.data.version import Version
from engine.masking.masks import item_rule, union_rule
from engine.methods.darec.layout import Layout, item_texts, lay_out, token_table
from engine.methods.darec.spec import DarecSpec
from engine.methods.darec.tokenising import reads_soft_token, tokenise
from engine.preview.model import MaskPicture, SeenToken
from engine.preview.pictures import CAUSAL, UNION, WITHIN, picture
from engine.spec import RunSpec

MARKER_SIGN, SOFT_SIGN = "◆", "earlier"


@dataclass(frozen=True)
class SeenText:
    """Tokens in order, masks, sentences, and for each item how many tokens of its text are left out."""

    tokens: list[SeenToken]
    masks: list[MaskPicture]
    sentences: list[str]
    cut: list[int]


def preview_text(spec: RunSpec, method: DarecSpec, version: Version, batch: Tensor, *, longer: bool) -> SeenText:
    """What is read of one history.

    Args:
        batch: `1 x length`, the items that the window holds, oldest first; none is padding.
        longer: whether the history holds earlier items too.

    Raises UserError for a backbone that cannot be read, or that is shorter than the window.
    """
    texts = item_texts(version.items, method.text.attributes)
    backbone = weightless_backbone(method.backbone, method.nano, texts)
    tokenised = tokenise(method, backbone, version.items)
    soft = int(reads_soft_token(method))
    two_level = method.mask == "two_level"
    prefix = [] if two_level else tokenised.prefix
    layout = lay_out(batch, token_table(tokenised.tokens, batch.device), prefix, 0 if two_level else soft)
    tokens = _tokens(layout, backbone, prefix, 0 if two_level else soft)
    cut = [0] * batch.shape[1]
    if method.text.content == "text":
        whole = backbone.encode([texts[item] for item in batch[0].tolist()], backbone.positions)
        cut = [max(len(ids) - method.text.max_item_tokens, 0) for ids in whole]
    masks = _masks(method, backbone, layout, tokens, soft)
    return SeenText(tokens, masks, _sentences(method, soft, longer), cut)


def _tokens(layout: Layout, backbone: Backbone, prefix: list[int], soft: int) -> list[SeenToken]:
    ids, blocks = layout.ids[0].tolist(), layout.blocks[0].tolist()
    markers = set(layout.columns.tolist())
    tokens = []
    for place, (token, block) in enumerate(zip(ids, blocks, strict=True)):
        if place < len(prefix):
            opening = place == 0 and prefix[0] in backbone.prefix_ids
            tokens.append(SeenToken(text=word(backbone, token), kind="start" if opening else "instruction"))
        elif place < len(prefix) + soft:
            tokens.append(SeenToken(text=SOFT_SIGN, kind="soft"))
        elif place in markers:
            tokens.append(SeenToken(text=MARKER_SIGN, kind="marker", item=block))
        else:
            tokens.append(SeenToken(text=word(backbone, token), kind="text", item=block))
    return tokens


def word(backbone: Backbone, token: int) -> str:
    """A token as people read it; the tokenizer's own spelling where the token is a part of a letter only."""
    text = str(backbone.tokenizer.decode([token]))
    return (
        text if text.strip() and "\N{REPLACEMENT CHARACTER}" not in text else str(backbone.tokenizer.convert_ids_to_tokens(token))
    )


def _masks(method: DarecSpec, backbone: Backbone, layout: Layout, tokens: list[SeenToken], soft: int) -> list[MaskPicture]:
    blocks, layers = layout.blocks, backbone.layers
    if method.mask == "union":
        return [picture("All layers", UNION, tokens, union_rule(blocks))]
    if method.mask == "causal":
        return [picture("All layers", CAUSAL, tokens, causal_mask_function)]
    if method.mask == "per_head":
        heads = int(backbone.model.config.num_attention_heads)
        return [
            picture(f"Heads 1 to {heads // 2} of {heads}, all layers", WITHIN, tokens, item_rule(blocks)),
            picture(f"Heads {heads // 2 + 1} to {heads}, all layers", CAUSAL, tokens, causal_mask_function),
        ]
    below = method.lower_layers or layers // 2
    lower, upper = _layers(1, below), _layers(below + 1, layers)
    # The soft token enters above the lower layers.
    kept = [place for place, token in enumerate(tokens) if token.kind != "soft"]
    inside = picture(lower, WITHIN, [tokens[place] for place in kept], item_rule(blocks[:, torch.tensor(kept, dtype=torch.long)]))
    if method.mask == "per_layer":
        return [inside, picture(upper, UNION, tokens, union_rule(blocks))]
    states = [SeenToken(text=SOFT_SIGN, kind="soft")] * soft
    states += [SeenToken(text=f"item {item + 1}", kind="marker", item=item) for item in range(len(layout.markers))]
    words = f"One state an item: the one at its marker. {CAUSAL}"
    return [inside, picture(upper, words, states, causal_mask_function)]


def _layers(first: int, last: int) -> str:
    return f"Layer {first}" if first == last else f"Layers {first} to {last}"


def _sentences(method: DarecSpec, soft: int, longer: bool) -> list[str]:
    sentences = [f"{MARKER_SIGN} is an item's marker: its state ranks the item that comes next."]
    injection = method.injection
    if injection.kind != "none":
        parts = [words for on, words in ((injection.item, "item vectors"), (injection.state, "user states")) if on]
        told = f" and tells the markers its {' and '.join(parts)}" if parts else ""
        sentences.append(f"The CF model ({injection.kind}) reads the last {injection.window} items by their numbers{told}.")
    if soft:
        what = "what it knows of the items before these" if longer else "nothing here: no item comes before these"
        sentences.append(f"'{SOFT_SIGN}' is a soft token in front, in which the CF model tells {what}.")
    return sentences
