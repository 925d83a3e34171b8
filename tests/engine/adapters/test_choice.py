import pytest
from pydantic import ValidationError

from engine.adapters.choice import LayerChoice
from engine.adapters.kinds import ADAPTER_KINDS


@pytest.mark.parametrize(
    "text",
    [
        "lora/both/8",
        "lora/attention/1",
        "lora/mlp/64",
        "none",
        "dora/both/4",
        "loha/mlp/2",
        "lokr/both/8",
        "oft/mlp/2",
        "ia3/both/1",
    ],
)
def test_text_round_trip(text: str) -> None:
    assert str(LayerChoice.model_validate(text)) == text
    assert LayerChoice.model_validate(LayerChoice.model_validate(text).model_dump()) == LayerChoice.model_validate(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lora", "must be 'none' or kind/target/rank"),
        ("lora/both/x", "must be 'none' or kind/target/rank"),
        ("lora/head/8", "'attention', 'mlp' or 'both'"),
        ("lora/both/0", "rank 1 or more"),
        ("lara/both/8", "Did you mean 'lora'"),
        ("lora/both/99999", "less than or equal to 1024"),
        ("ia3/both/8", r"got rank 8 with kind 'ia3', must be 1 \(nothing: it has no rank, 1 stands for that\)"),
        ("oft/both/1", r"got rank 1 with kind 'oft', must be 2 or more \(size of the rotated blocks"),
    ],
)
def test_wrong_texts_say_what_is_meant(text: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        LayerChoice.model_validate(text)


def test_none_has_one_form() -> None:
    with pytest.raises(ValidationError, match="must be 'none' with rank 0"):
        LayerChoice(kind="none", rank=4)
    with pytest.raises(ValidationError, match="got target 'mlp' with kind 'none', must be both"):
        LayerChoice(kind="none", target="mlp", rank=0)


def test_every_kind_says_what_it_is() -> None:
    assert ADAPTER_KINDS.names() == ["none", "lora", "dora", "loha", "lokr", "oft", "ia3"]
    for kind in ADAPTER_KINDS:
        assert kind.title
        assert kind.paper in kind.sentence
        assert bool(kind.paper) == (kind.name != "none")
    assert [kind.name for kind in ADAPTER_KINDS if not kind.has_rank] == ["none", "ia3"]
