"""The mask of a run over the tokens of one short history, token by token, from the very rules that the layers are given."""

import torch
from torch import Tensor
from transformers.masking_utils import causal_mask_function

from engine.evaluation.evaluator import History
from engine.masking.masks import CAUSAL_BLOCK, Rule, item_rule, union_rule
from engine.methods.darec.layout import lay_out
from engine.methods.darec.reading import Reader
from engine.methods.darec.spec import SPLIT_MASKS, DarecSpec
from engine.result import MaskPart

MARKER_TEXT = "[item]"
SOFT_TEXT = "[what was before]"
SPACE_TEXT = "[space]"


def mask_parts(reader: Reader, settings: DarecSpec, history: History, has_soft: bool) -> list[MaskPart]:
    """One part for all layers, or for lower and upper layers, or for each half of the heads.

    Args:
        history: item indexes, oldest first, one at least, no longer than the window.
        has_soft: whether a soft token stands in front of the items.
    """
    items = torch.from_numpy(history.astype("int64"))[None].to(reader.table.device)
    split, soft = settings.mask in SPLIT_MASKS, int(has_soft)
    # The soft token enters above the lower layers, which read each item alone.
    whole = lay_out(items, reader.table, [] if settings.mask == "two_level" else reader.prefix, 0 if split else soft)
    texts, blocks = _texts(reader, whole.ids[0], whole.blocks[0], whole.columns), whole.blocks
    if settings.mask == "union":
        return [_part("", texts, blocks, union_rule(blocks))]
    if settings.mask == "causal":
        return [_part("", texts, blocks, causal_mask_function)]
    if settings.mask == "per_head":
        halves = (("first half of the heads", item_rule(blocks)), ("second half of the heads", causal_mask_function))
        return [_part(title, texts, blocks, rule) for title, rule in halves]
    lower = _part("lower layers", texts, blocks, item_rule(blocks))
    if settings.mask == "per_layer":
        above = lay_out(items, reader.table, reader.prefix, soft)
        texts = _texts(reader, above.ids[0], above.blocks[0], above.columns)
        return [lower, _part("upper layers", texts, above.blocks, union_rule(above.blocks))]
    states = torch.tensor([[CAUSAL_BLOCK] * soft + list(range(len(history)))])
    upper = _part("upper layers", [SOFT_TEXT] * soft + [MARKER_TEXT] * len(history), states, causal_mask_function)
    return [lower, upper]


def _texts(reader: Reader, ids: Tensor, blocks: Tensor, markers: Tensor) -> list[str]:
    """What each token says; tokens of no item are the prefix, then the soft token."""
    at, tokenizer = set(markers.tolist()), reader.backbone.tokenizer
    texts = []
    for place, (token, block) in enumerate(zip(ids.tolist(), blocks.tolist(), strict=True)):
        if place in at:
            texts.append(MARKER_TEXT)
        elif block == CAUSAL_BLOCK and place >= len(reader.prefix):
            texts.append(SOFT_TEXT)
        else:
            said = str(tokenizer.decode([token]))
            texts.append(said.strip() or (SPACE_TEXT if said else str(tokenizer.convert_ids_to_tokens(token))))
    return texts


def _part(title: str, texts: list[str], blocks: Tensor, rule: Rule) -> MaskPart:
    places = torch.arange(blocks.shape[1], device=blocks.device)
    none = torch.zeros((), dtype=torch.long, device=blocks.device)
    seen = rule(none, none, places[:, None], places[None, :]).expand(len(places), len(places))
    rows = ["".join("1" if value else "0" for value in row) for row in seen.tolist()]
    return MaskPart(title=title, tokens=texts, items=blocks[0].tolist(), rows=rows)
