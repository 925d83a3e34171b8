import json
import subprocess
import sys

import pytest

from engine.errors import SpecError, UserError
from engine.presets import get_preset, presets
from engine.spec import RunSpec, override, parse_assignment, parse_spec


@pytest.mark.parametrize("name", presets().names())
def test_every_preset_validates_and_survives_json(name: str) -> None:
    spec = get_preset(name).spec()
    assert parse_spec(json.loads(spec.model_dump_json())) == spec
    assert spec.preset == name
    assert spec.method.id == get_preset(name).method


@pytest.mark.parametrize(
    ("settings", "path", "words"),
    [
        ({"training.minutes": -1}, "training.minutes", "got -1, must be more than 0"),
        ({"training.epochs": "many"}, "training.epochs", "got 'many', must be a whole number"),
        ({"training.nonsense": 1}, "training.nonsense", "there is no such setting"),
        ({"method.loss": "hinge"}, "method.loss", "got 'hinge', must be 'ce', 'bce' or 'gbce'"),
        ({"method.dimensions": 65}, "method", "got 65 dimensions for 2 heads"),
        ({"method.dropout": float("nan")}, "method.dropout", "must be a finite number"),
        ({"training.learning_rate": float("inf")}, "training.learning_rate", "must be a finite number"),
    ],
)
def test_wrong_values_are_named_with_what_they_must_be(settings: dict[str, object], path: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        get_preset("sasrec").spec(settings)
    [(where, what)] = caught.value.problems
    assert where == path
    assert words in what


def test_cross_checks_name_both_fields() -> None:
    with pytest.raises(SpecError, match=r"injection\.sasrec\.window: got 10, must be 20 \(text\.window\) or more"):
        get_preset("darec-nano").spec({"method.injection.sasrec.window": 10})
    with pytest.raises(SpecError, match="got 2 choices, must be 1 or one for each of the 4 layers"):
        get_preset("darec-nano").spec({"method.architecture": "lora/both/8,none"})


def test_unknown_names_list_those_that_exist() -> None:
    with pytest.raises(UserError, match=r"Did you mean 'sasrec'.*darec-nano, .*popularity"):
        get_preset("sasrek")
    with pytest.raises(SpecError, match="Choose one of: darec, sasrec, popularity"):
        parse_spec({"method": "nonsense"})
    with pytest.raises(SpecError, match="no adapter kind 'lara'"):
        get_preset("darec-nano").spec({"method.architecture": ["lara/both/8"]})


def test_specs_are_frozen() -> None:
    spec = RunSpec(method="popularity")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="frozen"):
        spec.preset = "other"  # type: ignore[misc]


def test_override_leaves_its_source_alone() -> None:
    source = {"training": {"seed": 1}}
    assert override(source, {"training.epochs": 2}) == {"training": {"seed": 1, "epochs": 2}}
    assert source == {"training": {"seed": 1}}
    with pytest.raises(SpecError, match="'preset' is a single value"):
        override({"preset": "x"}, {"preset.a": 1})


def test_assignments_read_yaml() -> None:
    assert parse_assignment("training.minutes=8") == ("training.minutes", 8)
    assert parse_assignment("training.minutes=") == ("training.minutes", None)
    assert parse_assignment("method.stop=true") == ("method.stop", True)
    with pytest.raises(UserError, match="this is no setting"):
        parse_assignment("training.minutes")
    with pytest.raises(UserError, match="cannot be read as YAML"):
        parse_assignment("a=[1,")


def test_fields_describe_every_setting_for_forms() -> None:
    fields = {field.path: field for field in get_preset("darec-nano").spec().fields()}
    assert fields["training.minutes"].optional
    assert fields["training.minutes"].above == 0
    assert fields["training.minutes"].unit == "minutes"
    assert fields["method.mask"].choices == ("union", "causal", "per_layer", "per_head", "two_level")
    assert fields["method.architecture"].default == "lora/both/8"
    assert fields["method.injection.stop_gradient"].kind == "boolean"
    assert all(field.description for field in fields.values())


def test_specs_load_no_torch() -> None:
    code = "import sys, engine.spec, engine.presets, engine.events; engine.presets.presets(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
