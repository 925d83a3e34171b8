"""Conditions on runs: ``training.seed = 3``, ``test.ndcg@10 > .05``, ``tag = baseline``, read from text and turned into SQL."""

import datetime
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import BooleanField, CharField, Exists, F, Func, OuterRef, Q, TextField, Value

from engine.errors import UserError
from webapp.experiments.fields import Field, find_field
from webapp.experiments.models import ACTIVE_STATES, ENDED_STATES, RunStar
from webapp.keyset import compared

SIGNS = {
    "=": "is",
    "!=": "is not",
    ">": "is more than",
    ">=": "is at least",
    "<": "is less than",
    "<=": "is at most",
    "~": "contains",
}
"""Signs as they stand in addresses, and in words. ``=`` without a value: there is none; ``!=`` without a value: there is one."""
_CONDITION = re.compile(r"\s*([^\s=!<>~]+)\s*(>=|<=|!=|=|>|<|~)(.*)", re.DOTALL)
_LOOKUPS = {"=": "exact", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "~": "icontains"}
_ALLOWED = {
    "number": ("=", "!=", ">", ">=", "<", "<="),
    "moment": ("=", "!=", ">", ">=", "<", "<="),
    "text": ("=", "!=", "~"),
    "choice": ("=", "!="),
    "flag": ("=",),
    "tags": ("=", "!=", "~"),
    "member": ("=", "!="),
    "any": tuple(SIGNS),
}
_LONGEST = 200
_MOST_WHOLE = 2**63 - 1
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Condition:
    """``field sign value``, checked; ``value`` as it was typed."""

    field: Field
    sign: str
    value: str

    @property
    def text(self) -> str:
        """As it stands in addresses."""
        return f"{self.field.name} {self.sign} {self.value}".strip()

    @property
    def words(self) -> str:
        """As people read it."""
        if not self.value:
            return f"{self.field.name} is {'not ' if self.sign == '!=' else ''}empty"
        return f"{self.field.name} {SIGNS[self.sign]} {self.value}"

    def q(self, user: User) -> Q:
        """As SQL; ``user`` is who looks: stars are everybody's own."""
        if self.field.kind == "flag":
            return _flag(self, user)
        if self.sign == "!=":
            others = ~Condition(self.field, "=", self.value).q(user)
            # SQL knows not whether nothing is unequal to something; people do.
            none_too = self.value and self.field.kind == "number" and not self.field.jsonpath
            return others | Q(**{f"{self.field.source}__isnull": True}) if none_too else others
        if self.field.jsonpath:
            return _in_json(self)
        return _KINDS[self.field.kind](self)


def parse_condition(text: str) -> Condition:
    """Read ``field sign value``; raises UserError that says what is wrong and what would do."""
    found = _CONDITION.fullmatch(text.replace("\x00", ""))
    if not found:
        raise UserError(f"{text[:60]!r} is no condition.", "Write field, sign and value, e.g. training.seed = 3.")
    return make_condition(found[1], found[2], found[3])


def make_condition(name: str, sign: str, value: str) -> Condition:
    """A condition of its three parts; raises UserError."""
    field, value = find_field(name.strip()), value.replace("\x00", "").strip()
    if field.kind == "show":
        raise UserError(f"{field.name} can only be shown.", "Ask for its parts, e.g. protocol.seen = remove.")
    if sign not in _ALLOWED[field.kind]:
        raise UserError(
            f"{field.name}: it cannot be asked whether it {SIGNS.get(sign, sign[:9])} something.",
            f"Use one of: {', '.join(_ALLOWED[field.kind])}.",
        )
    if len(value) > _LONGEST:
        raise UserError(f"{field.name}: the value is longer than {_LONGEST} characters.", "Shorten it.")
    if not value and sign not in ("=", "!="):
        raise UserError(f"{field.name} {sign} what?", "Say a value; with = and none, it finds runs where there is none.")
    condition = Condition(field, sign, value)
    if value:
        _CHECKS.get(field.kind, _check_nothing)(condition)
    return condition


def search_text(words: str) -> Q:
    """Runs whose number, notes or tags hold ``words``."""
    words = words.replace("\x00", "").strip()[:_LONGEST]
    number = words.lower().removeprefix("run-")
    found = Q(notes__icontains=words) | Q(_tags_contain(words))
    return found | Q(pk=int(number)) if number.isdecimal() and int(number) <= _MOST_WHOLE else found


def _tags_contain(words: str) -> Func:
    pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    joined = Func(F("tags"), Value("\n"), function="array_to_string", output_field=TextField())
    return compared(joined, "ILIKE", Value(pattern))


def _number(condition: Condition) -> float:
    try:
        value = float(condition.value.replace(",", ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > 1e300:
        unit = f" ({condition.field.unit})" if condition.field.unit else ""
        raise UserError(f"{condition.field.name}: got {condition.value[:40]!r}, must be a number{unit}.", "For example 3 or .05.")
    return value


def _day(condition: Condition) -> tuple[datetime.datetime, datetime.datetime]:
    """The first moment that the value stands for, and the first after it: a day, or a minute if it names a time."""
    text = condition.value
    try:
        when = datetime.datetime.fromisoformat(text)
        whole_day = "T" not in text and " " not in text
        start = when.replace(tzinfo=when.tzinfo or datetime.UTC)
        return start, start + (_DAY if whole_day else datetime.timedelta(minutes=1))
    except (ValueError, OverflowError):
        raise UserError(
            f"{condition.field.name}: got {text[:40]!r}, must be a day or a time.", "Write 2026-11-26 or 2026-11-26T14:02 (UTC)."
        ) from None


def _check_choice(condition: Condition) -> None:
    choices, name = condition.field.choices, condition.field.name
    if condition.value not in choices:
        raise UserError(
            f"{name}: got {condition.value[:40]!r}, which is none of its values.",
            f"Choose one of: {', '.join(choices)}.",
        )


def _member_number(condition: Condition) -> int:
    digits = condition.value.rpartition("-")[2]
    if not digits.isdecimal() or int(digits) > 2**31 - 1:
        raise UserError(f"{condition.field.name}: got {condition.value[:40]!r}, must be a number.", "For example 7.")
    return int(digits)


def _check_nothing(_: Condition) -> None:
    """Any text will do."""


def _flag(condition: Condition, user: User) -> Q:
    if condition.value == "any":
        return Q()
    if condition.field.name == "starred":
        found = Q(Exists(RunStar.objects.filter(run=OuterRef("pk"), user=user)))
    else:
        found = Q(**{f"{condition.field.source}__isnull": False})
    return found if condition.value == "yes" else ~found


def _of_state(condition: Condition) -> Q:
    if condition.field.name != "state":
        return Q(**{condition.field.source: condition.value})
    several = {"active": ACTIVE_STATES, "ended": ENDED_STATES, "": ()}
    return Q(state__in=several.get(condition.value, (condition.value,)))


def _of_number(condition: Condition) -> Q:
    if not condition.value:
        return Q(**{f"{condition.field.source}__isnull": True})
    value = _number(condition)
    # A whole number of the person's may be far outside of the column's range; as a float it compares all the same.
    column = Func(F(condition.field.source), template="(%(expressions)s)::float8")
    return Q(
        Func(column, Value(value), template="(%(expressions)s)", arg_joiner=f" {condition.sign} ", output_field=BooleanField())
    )


def _of_moment(condition: Condition) -> Q:
    source = condition.field.source
    if not condition.value:
        return Q(**{f"{source}__isnull": True})
    start, end = _day(condition)
    return {
        "=": Q(**{f"{source}__gte": start, f"{source}__lt": end}),
        ">": Q(**{f"{source}__gte": end}),
        ">=": Q(**{f"{source}__gte": start}),
        "<": Q(**{f"{source}__lt": start}),
        "<=": Q(**{f"{source}__lt": end}),
    }[condition.sign]


def _of_text(condition: Condition) -> Q:
    source = condition.field.source
    if not condition.value:
        return Q(**{f"{source}__isnull": True}) | Q(**{source: ""})
    return Q(**{f"{source}__{_LOOKUPS[condition.sign]}": condition.value})


def _of_tags(condition: Condition) -> Q:
    if not condition.value:
        return Q(tags=[])
    return Q(_tags_contain(condition.value)) if condition.sign == "~" else Q(tags__contains=[condition.value])


def _of_member(condition: Condition) -> Q:
    source = condition.field.source
    return Q(**{source: _member_number(condition)}) if condition.value else Q(**{f"{source}__isnull": True})


def _in_json(condition: Condition) -> Q:
    """By a JSON path, which compares only what is of the value's type, and never fails on the rest."""
    path, sign, value = condition.field.jsonpath, condition.sign, condition.value
    if not value:
        return ~_exists(condition, f'{path} ? (@ != null && (@.type() != "string" || @ != ""))', {})
    if sign == "~":
        # With the flag q the pattern is plain text.
        return _exists(condition, f'{path} ? (@ like_regex {json.dumps(value)} flag "iq")', {})
    readings: list[Any] = [value]
    try:
        readings.append(_number(condition))
    except UserError:
        if value.lower() in ("yes", "true", "no", "false"):
            readings.append(value.lower() in ("yes", "true"))
    if sign != "=":
        readings = readings[-1:]
    sign = {"=": "=="}.get(sign, sign)
    found = Q()
    for reading in readings:
        found |= _exists(condition, f"{path} ? (@ {sign} $value)", {"value": reading})
    return found


def _exists(condition: Condition, path: str, values: dict[str, Any]) -> Q:
    where = Func(Value(path), template="(%(expressions)s)::jsonpath", output_field=CharField())
    known = Func(Value(json.dumps(values)), template="(%(expressions)s)::jsonb", output_field=CharField())
    column = F(condition.field.source)
    return Q(Func(column, where, known, function="jsonb_path_exists", output_field=BooleanField()))


_KINDS: dict[str, Callable[[Condition], Q]] = {
    "number": _of_number,
    "moment": _of_moment,
    "text": _of_text,
    "choice": _of_state,
    "tags": _of_tags,
    "member": _of_member,
}
_CHECKS: dict[str, Callable[[Condition], Any]] = {
    "number": _number,
    "moment": _day,
    "choice": _check_choice,
    "flag": _check_choice,
    "member": _member_number,
}
