import pytest
from pydantic import ValidationError

from engine.adapters.choice import LayerChoice


@pytest.mark.parametrize("text", ["lora/both/8", "lora/attention/1", "lora/mlp/64", "none"])
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
    ],
)
def test_wrong_texts_say_what_is_meant(text: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        LayerChoice.model_validate(text)


def test_none_has_no_rank() -> None:
    with pytest.raises(ValidationError, match="must be 'none' with rank 0"):
        LayerChoice(kind="none", rank=4)
