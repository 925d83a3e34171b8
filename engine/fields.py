"""The building blocks of specs: frozen models whose fields carry description, unit and range."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo


class Spec(BaseModel):
    """Base of all specs: immutable, unknown keys refused, defaults checked too."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


def setting(default: Any, description: str, unit: str = "", **limits: Any) -> Any:
    """A spec's field with a default, a line of help, a unit and limits (``ge``, ``le``, ``gt``, ``lt``...)."""
    return Field(default, description=description, json_schema_extra={"unit": unit}, **limits)


@dataclass(frozen=True)
class FieldDescription:
    """One leaf of a spec, as a form or a table of options needs it.

    Attributes:
        path: dotted path, e.g. ``training.learning_rate``.
        group: the path without its last part, e.g. ``training``.
        kind: ``integer``, ``number``, ``boolean``, ``choice``, ``text`` or ``list`` (comma-separated text).
        optional: True if empty (None) is a value.
        minimum, maximum: inclusive limits, None where there is none.
        above, below: exclusive limits, None where there is none.
    """

    path: str
    group: str
    name: str
    kind: str
    description: str
    unit: str
    default: Any
    optional: bool
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None


def describe_fields(spec: BaseModel, prefix: str = "") -> Iterator[FieldDescription]:
    """Every leaf field of ``spec``, in order, with the value it holds as its default. Fields fixed to one value are left out."""
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        path = f"{prefix}{name}"
        if isinstance(value, BaseModel):
            yield from describe_fields(value, f"{path}.")
            continue
        annotation, optional = _without_none(field.annotation)
        kind, choices = _kind(annotation)
        if kind == "choice" and len(choices) == 1:
            continue
        yield FieldDescription(
            path=path,
            group=prefix.rstrip("."),
            name=name,
            kind=kind,
            description=field.description or "",
            unit=_unit(field),
            default=_plain(value),
            optional=optional,
            choices=choices,
            minimum=_limit(field, "ge"),
            maximum=_limit(field, "le"),
            above=_limit(field, "gt"),
            below=_limit(field, "lt"),
        )


def _without_none(annotation: Any) -> tuple[Any, bool]:
    members = get_args(annotation)
    if type(None) in members:
        rest = [member for member in members if member is not type(None)]
        return rest[0], True
    return annotation, False


def _kind(annotation: Any) -> tuple[str, tuple[str, ...]]:
    if get_origin(annotation) is Literal:
        return "choice", tuple(str(choice) for choice in get_args(annotation))
    if get_origin(annotation) in (tuple, list):
        return "list", ()
    names = {bool: "boolean", int: "integer", float: "number"}
    return names.get(annotation, "text"), ()


def _unit(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _limit(field: FieldInfo, name: str) -> float | None:
    for constraint in field.metadata:
        value = getattr(constraint, name, None)
        if value is not None:
            return float(value)
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return ", ".join(_quoted(str(member)) for member in value)
    return value


def _quoted(member: str) -> str:
    """A member that holds a comma or a quote stands in quotes, so that the list can be read back."""
    return '"' + member.replace('"', '""') + '"' if any(sign in member for sign in ',"') else member
