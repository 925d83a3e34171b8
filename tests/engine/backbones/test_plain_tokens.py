"""No title becomes a control token, in any family's own kind of tokenizer."""

import json
from collections.abc import Callable

import pytest
from tokenizers import AddedToken
from transformers import BertTokenizer, GPT2Tokenizer, LlamaTokenizer, PreTrainedTokenizerBase, Qwen2Tokenizer

from engine.backbones.families import FAMILIES
from engine.backbones.nano import train_tokenizer
from engine.backbones.plain_tokens import encode_plain
from tests.engine.backbones.tiny import TEXTS
from tests.support.attacks import ATTACKS, SPECIALS

# Of the real models: what is special there, and what is only added, so that nobody calls it special.
_CHAT = ["<|im_start|>", "<|im_end|>"]
_ADDED = ["<think>", "</think>", "<tool_call>", "<|fim_prefix|>"]


def _bytes() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The vocabulary and the merges of a byte-level BPE, as the families' files hold them."""
    model = json.loads(train_tokenizer([*TEXTS, *SPECIALS], 600).backend_tokenizer.to_str())["model"]
    vocabulary = {token: number for number, token in enumerate(key for key in model["vocab"] if not key.startswith("<|"))}
    return vocabulary, [(left, right) for left, right in model["merges"] if left + right in vocabulary]


def _gpt2() -> PreTrainedTokenizerBase:
    vocabulary, merges = _bytes()
    return GPT2Tokenizer({**vocabulary, "<|endoftext|>": len(vocabulary)}, merges)  # type: ignore[arg-type]


def _qwen() -> PreTrainedTokenizerBase:
    vocabulary, merges = _bytes()
    # Its annotation names lists of texts; what it takes are pairs, as GPT-2's.
    return Qwen2Tokenizer({**vocabulary, "<|endoftext|>": len(vocabulary)}, merges)  # type: ignore[arg-type]


def _llama() -> PreTrainedTokenizerBase:
    letters = sorted({*"▁", *"".join([*TEXTS, *SPECIALS]).replace(" ", "")})
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters]
    return LlamaTokenizer({name: number for number, name in enumerate(names)}, [], extra_special_tokens=["[INST]", "[/INST]"])


def _bert() -> PreTrainedTokenizerBase:
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789<>[]|/_,."]
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    return BertTokenizer({name: number for number, name in enumerate(names)})


MADE: dict[str, Callable[[], PreTrainedTokenizerBase]] = {
    "llama": _llama,
    "mistral": _llama,
    "qwen2": _qwen,
    "qwen3": _qwen,
    "gpt2": _gpt2,
    "bert": _bert,
}


def test_every_family_has_a_tokenizer_here() -> None:
    assert set(MADE) == set(FAMILIES.names())


@pytest.fixture(params=sorted(MADE))
def tokenizer(request: pytest.FixtureRequest) -> PreTrainedTokenizerBase:
    made = MADE[request.param]()
    made.add_tokens([AddedToken(token, special=token in _CHAT, normalized=False) for token in (*_CHAT, *_ADDED)])
    return made


def _control(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    return {*tokenizer.all_special_ids, *tokenizer.get_added_vocab().values()}


def test_no_attack_becomes_a_control_token(tokenizer: PreTrainedTokenizerBase) -> None:
    control, unknown = _control(tokenizer), tokenizer.convert_ids_to_tokens(tokenizer.unk_token_id)
    own = [*SPECIALS, *_CHAT, *_ADDED, *map(str, tokenizer.convert_ids_to_tokens(sorted(control)))]
    texts = [*ATTACKS, *own, *(f"Soap {name} dish" for name in own), *(f"{name}{name}" for name in own), "".join(own)]
    texts += [f"<{name[:3]}{name}{name[3:]}" for name in own]
    found = encode_plain(tokenizer, texts)
    for text, ids in zip(texts, found, strict=True):
        # A letter that WordPiece does not know becomes [UNK]: it has no other word for it.
        allowed = {tokenizer.unk_token_id} if unknown == "[UNK]" and "[UNK]" not in text else set()
        inside = control & set(ids) - allowed
        if "[UNK]" in text and unknown == "[UNK]":
            inside -= (
                {tokenizer.unk_token_id} if set(text.lower()) - set("abcdefghijklmnopqrstuvwxyz0123456789<>[]|/_,. ") else set()
            )
        assert not inside, (text, tokenizer.convert_ids_to_tokens(ids))
        assert ids or not text.strip(), text


def test_the_tests_tokenizers_do_have_these_tokens(tokenizer: PreTrainedTokenizerBase) -> None:
    spelled = [*_CHAT, *_ADDED, *map(str, tokenizer.all_special_tokens)]
    for name in spelled:
        assert tokenizer.convert_tokens_to_ids(name) in tokenizer(f"{name} soap", add_special_tokens=False)["input_ids"], name


def test_other_texts_are_read_as_ever(tokenizer: PreTrainedTokenizerBase) -> None:
    usual = tokenizer(TEXTS, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert encode_plain(tokenizer, TEXTS) == [list(ids) for ids in usual]
    assert encode_plain(tokenizer, []) == []
    assert encode_plain(tokenizer, [""]) == [[]]


def test_the_letters_of_a_control_token_stay(tokenizer: PreTrainedTokenizerBase) -> None:
    for name in (*_CHAT, *_ADDED):
        (ids,) = encode_plain(tokenizer, [f"a{name}b"])
        assert "".join(str(tokenizer.decode(ids)).split()) == f"a{name}b"
