"""Specs with numbers, depths and texts beyond measure are refused at their field, at once and in few words."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.errors import SpecError, UserError
from engine.fields import FieldDescription, describe_fields
from engine.plain_yaml import LARGEST, read_yaml
from engine.presets import get_preset, presets
from engine.search.presets import search_presets
from engine.spec import override, parse_assignment, parse_spec

HUGE: tuple[Any, ...] = (1e308, -1e308, 10**400, -(10**400), float("nan"), float("inf"), "1e999", "9" * 5000, "x" * 10**6)
WRONG: tuple[Any, ...] = (None, [], {}, [[[]]], {"a": {"b": 1}}, True, "\u202e1", "\uff11e400", "0x10")


def numeric() -> dict[str, FieldDescription]:
    fields = {field.path: field for preset in presets() for field in preset.spec().fields()}
    fields |= {f"search:{field.path}": field for preset in search_presets() for field in describe_fields(preset.plan())}
    return {path: field for path, field in fields.items() if field.kind in ("integer", "number")}


def test_every_number_has_a_least_and_a_largest_value() -> None:
    unbounded = [
        path
        for path, field in numeric().items()
        if (field.maximum is None and field.below is None) or (field.minimum is None and field.above is None)
    ]
    assert not unbounded


@pytest.mark.parametrize("value", HUGE, ids=lambda value: repr(value)[:12])
def test_numbers_beyond_measure_are_refused_at_their_field(value: Any) -> None:
    for preset in presets():
        for field in preset.spec().fields():
            if field.kind in ("integer", "number"):
                with pytest.raises(SpecError) as caught:
                    preset.spec({field.path: value})
                assert len(caught.value.message) < 2000
                assert any(path in (field.path, field.group) for path, _ in caught.value.problems), field.path


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_wrong_types_are_told_in_words(value: Any) -> None:
    for path in ("training.epochs", "method", "training", "split.kind", "filters", "method.id", "filters.exclude_users"):
        try:
            get_preset("sasrec").spec({path: value})
        except SpecError as error:
            assert error.problems  # noqa: PT017 - some values are allowed for some


def test_depth_is_refused_without_recursion() -> None:
    deep: Any = {}
    for _ in range(10_000):
        deep = {"a": deep}
    for values in ({"method": deep}, {"method": {"id": "sasrec", "window": deep}}, {"training": [deep]}):
        with pytest.raises(SpecError, match="nested more than 64 levels"):
            parse_spec(values)
    with pytest.raises(SpecError, match="no such setting"):
        override({}, {".".join("a" * 10_000): 1})
    with pytest.raises(SpecError):
        get_preset("sasrec").spec({"a" * 10**6: 1})


@pytest.mark.parametrize("text", ["[" * 5000, "{" * 5000, "&a [*a]", "!!python/object/apply:os.system [ls]", "1" * 5000])
def test_values_of_the_command_line_are_plain(text: str) -> None:
    def read() -> None:
        path, value = parse_assignment(f"training.epochs={text}")
        get_preset("sasrec").spec({path: value})

    with pytest.raises(UserError):
        read()


def test_a_few_lines_do_not_become_a_mountain(tmp_path: Path) -> None:
    lines = [
        "a: &a [x, x]",
        *(f"{name}: &{name} [*{before}, *{before}]" for before, name in pairwise("abcdefghijklmnopqrstuvwxyz")),
    ]
    (tmp_path / "spec.yaml").write_text("\n".join(lines))
    with pytest.raises(yaml.YAMLError, match="write the values out"):
        read_yaml(tmp_path / "spec.yaml")
    (tmp_path / "large.yaml").write_text("x" * (LARGEST + 1))
    with pytest.raises(yaml.YAMLError, match="larger than"):
        read_yaml(tmp_path / "large.yaml")
    assert read_yaml("[007, true]", texts=True) == ["007", "true"]
    assert read_yaml("8") == 8
