"""What a method reads of a sample user, by the code that training and scoring use: the same split, windows, tokens and masks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.masking_utils import causal_mask_function

from engine.collaborative.batches import history_batch
from engine.collaborative.spec import BprMfShape, Gru4recShape, HstuShape, LightgcnShape, SasrecShape, UsersSpec
from engine.data.version import Version
from engine.fields import Spec
from engine.methods.bert4rec.spec import Bert4recSpec
from engine.methods.darec.spec import DarecSpec
from engine.methods.item_knn.spec import ItemKnnSpec
from engine.methods.markov.spec import MarkovSpec
from engine.preview.darec import preview_text
from engine.preview.model import MOST_TOKENS, MaskPicture, SeenItem, SeenToken, SequencePreview
from engine.preview.pictures import CAUSAL, EVERYTHING, picture
from engine.run import split_and_candidates
from engine.spec import RunSpec

_STRIDE = 7919
"""A prime: sample users come from all over the version, whatever their order."""


@dataclass(frozen=True)
class _Reading:
    """Tokens, masks and sentences of one method."""

    tokens: list[SeenToken]
    masks: list[MaskPicture]
    sentences: list[str]
    cut: list[int]


def preview_sequence(spec: RunSpec, version: Version, number: int) -> SequencePreview:
    """What a run of ``spec`` reads of one user to rank the held-out item of the test.

    Args:
        number: which sample user: 0, 1, 2 ... are spread over those who have a test target, and begin anew after the last.

    Raises:
        UserError: the spec does not fit the data or the backbone.
    """
    split, _ = split_and_candidates(spec, version)
    users, targets = split.targets("test")
    place = (len(users) // 2 + number * _STRIDE) % len(users)
    user = int(users[place])
    history = split.history(user, "test")
    read, reading = _read(spec, version, history)
    tokens = reading.tokens[-MOST_TOKENS:]
    cut = reading.cut or [0] * len(read)
    return SequencePreview(
        user=version.users[user],
        history=len(history),
        items=[_item(version, int(item), left) for item, left in zip(read, cut, strict=True)],
        target=_item(version, int(targets[place])),
        tokens=tokens,
        hidden=len(reading.tokens) - len(tokens),
        masks=reading.masks,
        sentences=reading.sentences,
    )


def _read(spec: RunSpec, version: Version, history: NDArray[np.int32]) -> tuple[list[int], _Reading]:
    method = spec.method
    window = len(history) if (known := window_of(method)) is None else min(known, len(history))
    batch, lengths = history_batch([history], max(window, 1), version.counts.items, torch.device("cpu"))
    items = batch[0, : int(lengths[0])].tolist() if window else []
    if isinstance(method, DarecSpec):
        seen = preview_text(spec, method, version, batch, longer=len(history) > window)
        return items, _Reading(seen.tokens, seen.masks, seen.sentences, seen.cut)
    tokens = [SeenToken(text=version.titles[item], kind="item", item=place) for place, item in enumerate(items)]
    masks, sentences = _attention(method, tokens)
    return items, _Reading(tokens, masks, sentences, [])


def window_of(method: Spec) -> int | None:
    """Items of a history that ``method`` reads at most; None for all of them."""
    if isinstance(method, DarecSpec):
        return method.text.window
    if isinstance(method, Bert4recSpec):
        return method.window - 1
    if isinstance(method, MarkovSpec):
        return method.votes
    if isinstance(method, ItemKnnSpec):
        return None
    return int(getattr(method, "window", 0))


def _attention(method: Spec, tokens: list[SeenToken]) -> tuple[list[MaskPicture], list[str]]:
    """Pictures and sentences of a method without text; the mask of BERT4Rec joins ``tokens``."""
    if isinstance(method, Bert4recSpec):
        tokens.append(SeenToken(text="[MASK]", kind="mask"))
        rule: Callable[..., torch.Tensor] = lambda row, head, query, key: (query >= 0) & (key >= 0)  # noqa: E731
        return [picture("Attention", EVERYTHING, tokens, rule)], ["The mask at the end stands for the item to rank."]
    if isinstance(method, SasrecShape | HstuShape):
        return [picture("Attention", CAUSAL, tokens, causal_mask_function)], ["Items are read by their numbers; no text is."]
    if isinstance(method, Gru4recShape):
        words = "The recurrent network reads one item after the other: each state knows its own and all earlier items."
        return [picture("What a state knows", CAUSAL, tokens, causal_mask_function)], [words, "No text is read."]
    return [], [_counted(method)]


def _counted(method: Spec) -> str:
    if isinstance(method, LightgcnShape | BprMfShape):
        if isinstance(method, UsersSpec) and method.users == "vector":
            return "Users who were trained on are ranked for by their own vector, others by the mean of these items' vectors."
        return f"There is no attention: these items' vectors are averaged, each {method.half_life:g} items back counting half."
    if isinstance(method, MarkovSpec):
        return "There is no attention: what followed these items in other histories is recommended."
    if isinstance(method, ItemKnnSpec):
        return "There is no attention: items like these are recommended."
    return "The history is not read: everybody gets the same list, without what they had."


def _item(version: Version, item: int, cut: int = 0) -> SeenItem:
    return SeenItem(id=version.item_ids[item], title=version.titles[item], cut=cut)
