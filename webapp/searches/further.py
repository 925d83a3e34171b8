"""Training settings that a search tries beside the architecture, as lines of text that people write.

``training.learning_rate: 0.0003 to 0.003, log`` is a range, ``method.mask: causal | two_level`` a list of choices. Both may be
followed by ``start VALUE``, a range by ``levels N`` too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import SpecError
from engine.search.spec import FieldValue, FurtherField

PATH = "space.further"


def write(fields: Sequence[FurtherField]) -> str:
    """The fields as text, one a line; ``read`` reads it back."""
    return "\n".join(map(_line, fields))


def read(text: str) -> list[dict[str, Any]]:
    """The values of FurtherField, one for each line that is not empty; raises SpecError for a line that says nothing known."""
    return [_field(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def words(fields: Mapping[str, Any]) -> str:
    """Values by dotted path, for people: ``learning rate 0.001, mask causal``."""
    return ", ".join(f"{path.rpartition('.')[2].replace('_', ' ')} {_short(value)}" for path, value in fields.items())


def _short(value: FieldValue) -> str:
    return f"{value:.6g}" if isinstance(value, float) else _text(value)


def _line(field: FurtherField) -> str:
    if field.choices:
        values, options = " | ".join(map(_text, field.choices)), []
    else:
        values = f"{_text(field.low)} to {_text(field.high)}"
        options = ["log"] if field.log else []
        options += [f"levels {field.levels}"] if field.levels != FurtherField.model_fields["levels"].default else []
    options += [f"start {_text(field.start)}"] if field.start is not None else []
    return f"{field.path}: {', '.join([values, *options])}"


def _field(number: int, line: str) -> dict[str, Any]:
    path, colon, rest = line.partition(":")
    values, *options = (part.strip() for part in rest.split(","))
    found: dict[str, Any] = {"path": path.strip()}
    low, to, high = (part.strip() for part in values.partition(" to "))
    if to:
        found |= {"low": _value(low), "high": _value(high)}
    elif colon and values:
        found["choices"] = [_value(part.strip()) for part in values.split("|")]
    else:
        raise _unreadable(number, line)
    for option in options:
        word, _, value = option.partition(" ")
        if option == "log":
            found["log"] = True
        elif word in ("levels", "start") and value.strip():
            found[word] = _value(value.strip())
        else:
            raise _unreadable(number, line)
    return found


def _unreadable(number: int, line: str) -> SpecError:
    example = "training.learning_rate: 0.0003 to 0.003, log"
    return SpecError([(PATH, f"line {number}: got {line[:80]!r}, must be like '{example}' or 'method.mask: causal | two_level'")])


def _text(value: FieldValue | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _value(text: str) -> FieldValue:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
