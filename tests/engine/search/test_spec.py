import pytest
from pydantic import ValidationError

from engine.search.spec import FurtherField, SearchSpec, SpaceSpec


def test_defaults_are_valid_and_survive_json() -> None:
    spec = SearchSpec()
    assert SearchSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec.space.kinds == ("none", "lora")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kinds": ("none",)}, "other than 'none'"),
        ({"kinds": ("none", "magic")}, "no adapter kind 'magic'"),
        ({"kinds": ("lora", "lora")}, "must all differ"),
        ({"targets": ()}, "got no target"),
        ({"ranks": ()}, "got no rank"),
        ({"ranks": (0, 4)}, "must be 1 to 1024"),
        ({"ranks": (4, 4)}, "must all differ"),
        ({"kinds": ("oft",), "ranks": (1,)}, "oft takes 2"),
        ({"groups": 0}, "must be 1 or more"),
        ({"groups": (0, 2)}, "without a gap"),
        ({"budget": -1}, "greater than or equal to 0"),
        ({"further": [{"path": "a.b", "low": 1, "high": 2}] * 2}, "must all differ"),
    ],
)
def test_impossible_spaces_are_refused_with_the_reason(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SpaceSpec.model_validate(settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"path": "a b"}, "dotted path"),
        ({"low": 1.0}, "must have low and high"),
        ({"low": 2.0, "high": 1.0}, "low must be the smaller"),
        ({"low": 0.0, "high": 1.0, "log": True}, "must be above 0"),
        ({"low": 0.1, "high": 1.0, "start": 2}, "must be between"),
        ({"choices": ("a", "a")}, "a choice twice"),
        ({"choices": ("a", "b"), "low": 1.0}, "choices and a range"),
        ({"choices": ("a", "b"), "start": "c"}, "must be one of"),
    ],
)
def test_impossible_fields_are_refused_with_the_reason(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        FurtherField.model_validate(settings)
