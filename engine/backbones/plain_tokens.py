"""Texts of people as token ids among which no control token is, whatever they spell out.

A tokenizer has tokens beside its vocabulary: those it calls special (``<s>``, ``[CLS]``), and some it does not (``<think>``,
``<tool_call>``), which are found in any text just the same. A title that names one must not become one.
"""

import re
from collections.abc import Iterable
from itertools import pairwise

from transformers import PreTrainedTokenizerBase


def encode_plain(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    """Token ids of each text, without start and end; a control token that a text spells out is read as the letters it is of."""
    if not texts:
        return []
    control = _control_tokens(tokenizer)
    encoded = _encode(tokenizer, texts)
    for place, ids in enumerate(encoded):
        if not control.keys().isdisjoint(ids):
            encoded[place] = _in_pieces(tokenizer, texts[place], control)
    return encoded


def _control_tokens(tokenizer: PreTrainedTokenizerBase) -> dict[int, str]:
    """What stands beside the vocabulary, by id. What an unknown letter becomes may stand in any text."""
    added = {int(number): str(token) for number, token in tokenizer.added_tokens_decoder.items() if len(str(token)) > 1}
    special = {int(number): str(tokenizer.convert_ids_to_tokens(number)) for number in tokenizer.all_special_ids}
    found = {**added, **special}
    # Where the end of a text is the unknown token as well (GPT-2), no letter is unknown: bytes stand for all.
    if tokenizer.unk_token_id is not None and tokenizer.unk_token_id not in (tokenizer.eos_token_id, tokenizer.bos_token_id):
        found.pop(int(tokenizer.unk_token_id), None)
    return found


def _in_pieces(tokenizer: PreTrainedTokenizerBase, text: str, control: dict[int, str]) -> list[int]:
    """Each control token's first character is read apart from its others, so that the whole is never seen."""
    names = sorted(control.values(), key=len, reverse=True)
    # Looked for from each place on, without using letters up: one may begin within another.
    cuts = {match.start() + 1 for match in re.finditer(f"(?=({'|'.join(map(re.escape, names))}))", text)}
    ends = sorted({0, len(text), *cuts})
    pieces = [text[start:end] for start, end in pairwise(ends)]
    return [number for ids in _encode(tokenizer, pieces) for number in _without(ids, control)]


def _without(ids: Iterable[int], control: dict[int, str]) -> list[int]:
    """A tokenizer that changes text before it looks for control tokens may find one all the same: it is left out."""
    return [number for number in ids if number not in control]


def _encode(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    encoded = tokenizer(texts, add_special_tokens=False, split_special_tokens=True, truncation=False, verbose=False)["input_ids"]
    return [list(ids) for ids in encoded]
