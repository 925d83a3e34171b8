"""A table of all settings of a spec, for people who write --set."""

from rich.console import Console
from rich.table import Table

from engine.commands.terminal import literal
from engine.fields import FieldDescription
from engine.spec import RunSpec


def print_settings(spec: RunSpec) -> None:
    """Print each setting with its value, range, unit and line of help to stderr."""
    table = Table(title=literal(f"Settings of {spec.preset or spec.method.id}"), title_justify="left")
    for heading in ("setting", "value", "range", "meaning"):
        table.add_column(heading, overflow="fold")
    for field in spec.fields():
        value = "" if field.default is None else str(field.default)
        table.add_row(*map(literal, (field.path, value, field_range(field), field.description)))
    Console(stderr=True, highlight=False).print(table)


def field_range(field: FieldDescription) -> str:
    """The range in words: ``1 to 64 layers``, ``ce or bce``, ``more than 0``."""
    if field.choices:
        return " or ".join(field.choices)
    if field.kind == "boolean":
        return "true or false"
    parts = []
    if field.above is not None:
        parts.append(f"more than {field.above:g}")
    if field.below is not None:
        parts.append(f"less than {field.below:g}")
    if field.minimum is not None and field.maximum is not None:
        parts.append(f"{field.minimum:g} to {field.maximum:g}")
    elif field.minimum is not None:
        parts.append(f"{field.minimum:g} or more")
    elif field.maximum is not None:
        parts.append(f"{field.maximum:g} or less")
    words = ", ".join(parts) or field.kind
    return f"{words} {field.unit}".strip() + (", or empty" if field.optional else "")
