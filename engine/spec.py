"""The one validated config of a run. The web form, REST, the command line and the stored JSON all come from it.

This module loads no torch. The spec of each method lives in ``engine/methods/<method>/spec.py``.
"""

import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import Field, SerializeAsAny, ValidationError, field_validator, model_validator

from engine.data.specs import EvaluationSpec, FilterSpec, SplitSpec, split_list
from engine.errors import SpecError, UserError
from engine.fields import FieldDescription, Spec, describe_fields, setting
from engine.methods import METHODS, MethodSpec
from engine.plain_yaml import read_yaml

__all__ = [
    "EvaluationSpec",
    "FilterSpec",
    "RunSpec",
    "SplitSpec",
    "TrainingSpec",
    "override",
    "parse_assignment",
    "parse_spec",
    "validate",
]

M = TypeVar("M", bound=Spec)
_TEXTS = {"exclude_users", "exclude_items", "categories", "without_categories"}
"""Settings that are lists of texts: 007 is an id there, and no number."""


class TrainingSpec(Spec):
    """The shared trainer's settings. A method that only counts (popularity) uses none of them but the seed."""

    seed: int = setting(0, "seed of everything random", ge=0, le=2**31 - 1)
    epochs: int = setting(200, "at most this many passes over the training sequences, in each stage", "epochs", ge=1, le=100_000)
    minutes: float | None = setting(None, "stop training after this time; empty sets no limit", "minutes", gt=0, le=100_000)
    clock: Literal["wall", "processor"] = setting(
        "wall", "what training.minutes counts; processor time is fair where other work shares the processors (CPU only)"
    )
    batch_size: int = setting(32, "sequences in a training step", "sequences", ge=1, le=65536)
    learning_rate: float = setting(1e-3, "peak learning rate of AdamW", gt=0, le=10)
    weight_decay: float = setting(
        0.0, "decoupled weight decay of AdamW; gates, norms, biases and factors do not decay", ge=0, le=10
    )
    warmup_steps: int = setting(100, "steps over which the learning rate rises from 0", "steps", ge=0, le=1_000_000)
    clip: float = setting(5.0, "largest norm of the gradient; larger ones are scaled down", gt=0, le=1e6)
    patience: int = setting(
        10, "stop after this many evaluations without a better validation NDCG@10", "evaluations", ge=1, le=100_000
    )
    evaluate_every: int = setting(1, "epochs between two evaluations on validation", "epochs", ge=1, le=100_000)
    keep_start: bool = setting(
        True, "evaluate a stage that begins from a trained model before its first step too, and keep it if nothing better comes"
    )
    stop_below: tuple[float, ...] = setting(
        (),
        "end the last stage at an evaluation by which its best validation NDCG@10 is below one of these numbers: they stand for "
        "equal parts of the stage, in time or epochs",
    )
    threads: int = setting(0, "CPU threads of torch; 0 takes the physical cores", "threads", ge=0, le=1024)
    device: Literal["auto", "cpu", "cuda"] = setting("auto", "auto takes a CUDA device where there is one")

    @field_validator("stop_below", mode="before")
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        return split_list(value) if isinstance(value, str) else value


class RunSpec(Spec):
    """One training and its evaluation."""

    spec_version: Literal[1] = 1
    preset: str | None = Field(None, description="name of the preset that this spec started from; a label, not a setting")
    method: SerializeAsAny[MethodSpec]
    filters: FilterSpec = FilterSpec()
    split: SplitSpec = SplitSpec()
    evaluation: EvaluationSpec = EvaluationSpec()
    training: TrainingSpec = TrainingSpec()

    @field_validator("method", mode="before")
    @classmethod
    def _method_by_id(cls, value: Any) -> Any:
        if isinstance(value, MethodSpec):
            return value
        if isinstance(value, str):
            value = {"id": value}
        if not isinstance(value, Mapping) or "id" not in value:
            raise ValueError(f"got {_shown(value)}, must be a method id or a mapping with an 'id'")
        try:
            entry = METHODS.get(str(value["id"]))
        except UserError as error:
            raise ValueError(str(error)) from error
        return entry.spec.model_validate(value)

    @model_validator(mode="after")
    def _method_allows(self) -> "RunSpec":
        self.method.check(self)
        return self

    def fields(self) -> list[FieldDescription]:
        """Every setting of this spec, for a form or a table."""
        return [field for field in describe_fields(self) if field.path not in ("preset", "method.id")]


def parse_spec(values: Mapping[str, Any]) -> RunSpec:
    """Validate ``values``; raises SpecError whose messages read "path: got X, must be Y"."""
    return validate(RunSpec, values)


def validate(model: type[M], values: Mapping[str, Any]) -> M:
    """Validate ``values`` as ``model``; raises SpecError as ``parse_spec`` does."""
    _check_depth(values)
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise SpecError(
            [_problem(detail) for detail in error.errors(include_url=False)],
            "Correct the named settings; `python -m engine fit --list` shows each with its range.",
        ) from error


def override(values: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """A deep copy of ``values`` with dotted ``settings`` put in: ``{"training.minutes": 8}``."""
    _check_depth(values)
    result = _copy(values)
    for path, value in settings.items():
        parts = path.split(".")
        if len(parts) > _DEEPEST:
            raise SpecError([(_cut(path), "there is no such setting")])
        inner = result
        for part in parts[:-1]:
            branch = inner.setdefault(part, {})
            if not isinstance(branch, dict):
                raise SpecError([(path, f"'{part}' is a single value, it has no settings inside")])
            inner = branch
        inner[parts[-1]] = value
    return result


def parse_assignment(text: str) -> tuple[str, Any]:
    """Read ``training.minutes=8`` (the value is YAML, so 8 is a number and true a boolean).

    A list of ids may stand in a file, one a line: ``filters.exclude_users=@gone.txt``.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise UserError(f"--set {text}: this is no setting.", "Write it as key=value, e.g. --set training.minutes=8.")
    texts = path.strip().rpartition(".")[2] in _TEXTS
    if texts and value.startswith("@"):
        return path.strip(), _lines_of(value[1:])
    if texts and not value.lstrip().startswith("["):
        return path.strip(), value
    try:
        return path.strip(), read_yaml(value, texts=texts)
    except yaml.YAMLError as error:
        raise UserError(
            f"--set {_cut(text)}: the value cannot be read as YAML ({_cut(str(error))}).", "Quote it, or write a plain value."
        ) from error


def _lines_of(name: str) -> list[str]:
    """The lines of a file of ids, without blank ones and repeats."""
    try:
        content = Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{name}: cannot be read ({error}).", "Name a UTF-8 text file with one id a line after the @.") from error
    lines = (line.removesuffix("\r") for line in content.split("\n"))
    return list(dict.fromkeys(line for line in lines if line.strip()))


_WORDS = {
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "literal_error": "{expected}",
    "model_type": "a group of settings",
    "string_type": "text",
}


_LONGEST, _DEEPEST = 500, 64
"""Characters of a message; groups of settings in each other."""


def _shown(value: Any) -> str:
    """A value as messages show it, however large it is."""
    if isinstance(value, int) and abs(value) >= 10**40:
        return f"a number of {value.bit_length() * 3 // 10:,} digits or more"
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…")
    return _REPR.repr(value)


_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxother, _REPR.maxstring = 3, 100, 100


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _check_depth(values: Any) -> None:
    """Raise SpecError for values that are nested as no settings are; nothing here recurses."""
    level, depth = [values], 0
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise SpecError([("", f"the settings are nested more than {_DEEPEST} levels deep")], "Send plain settings.")
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ())
            if isinstance(inner, Mapping | list | tuple)
        ]


def _problem(detail: Any) -> tuple[str, str]:
    path = _cut(".".join(str(part) for part in detail["loc"]))
    kind = detail["type"]
    if kind == "extra_forbidden":
        return path, "there is no such setting"
    if kind == "missing":
        return path, "is missing"
    context = detail.get("ctx", {})
    if kind in _WORDS:
        return path, f"got {_shown(detail['input'])}, must be {_WORDS[kind].format(**context)}"
    if kind == "value_error":
        return path, _cut(str(context["error"]))
    return path, f"got {_shown(detail['input'])}: {str(detail['msg'])[:_LONGEST]}"


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, Mapping) else value for key, value in values.items()}
