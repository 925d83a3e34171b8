from typing import Any

import pytest

from engine.fields import describe_fields
from engine.methods.effects import reason, without_effect
from engine.presets import get_preset, presets


@pytest.mark.parametrize(
    ("preset", "settings", "path", "words"),
    [
        ("sasrec", {}, "method.negatives", "only the losses bce and gbce"),
        ("sasrec", {}, "method.chunk", "not chunked"),
        ("sasrec-bce", {}, "method.calibration", "gbce"),
        ("sasrec-bce", {}, "method.softmax", "bce has no softmax"),
        ("popularity", {}, "training.epochs", "trains nothing"),
        ("darec-nano", {"method.injection.kind": "hstu"}, "method.injection.sasrec.window", "the CF model is hstu"),
        ("darec-nano", {"method.injection.kind": "none"}, "method.injection.gate", "no CF model"),
        ("darec-nano", {"method.mask": "union"}, "method.lower_layers", "read alike"),
        ("darec-nano", {}, "method.text.instruction", "two_level"),
        ("darec-nano", {"method.text.content": "ids"}, "method.text_match", "no text"),
        ("darec-minilm", {}, "method.nano.layers", "the backbone is minilm"),
        ("darec-nano", {"method.blend.fit": False}, "method.blend.users", "blend.fit is off"),
        ("darec-nano", {"method.injection.joint": False}, "method.injection.alpha", "joint is off"),
    ],
)
def test_what_changes_nothing_says_why(preset: str, settings: dict[str, Any], path: str, words: str) -> None:
    assert words in reason(path, without_effect(get_preset(preset).spec(settings)))


def test_what_is_in_use_has_an_effect() -> None:
    found = without_effect(get_preset("darec-nano").spec())
    for path in ("method.mask", "method.text.window", "method.injection.sasrec.window", "training.epochs", "method.blend.users"):
        assert reason(path, found) == ""
    assert reason("method.negatives", without_effect(get_preset("sasrec-gbce").spec())) == ""


def test_only_settings_that_exist_are_named() -> None:
    for preset in presets():
        spec = preset.spec()
        paths = [field.path for field in describe_fields(spec)]
        for known in without_effect(spec):
            assert any(path == known or (known.endswith(".") and path.startswith(known)) for path in paths), known
