"""Pages of a long list by keyset: each begins beside the last row of another, so that page 40 costs what page 1 does.

Rows are ordered by one value, empty ones last, and by falling primary key among equals: no row is shown twice or left out
because others came or went, and nothing is counted or skipped.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import BooleanField, F, Func, Model, Q, QuerySet, Value
from django.db.models.expressions import Combinable, Expression

M = TypeVar("M", bound=Model)
END = "end"
"""As ``before``: the last page."""
_KEY = "keyset_value"
_MOST_ID = 2**63 - 1


@dataclass(frozen=True)
class Order:
    """What a list is sorted by.

    Attributes:
        expression: its output field is known; None: by primary key alone.
        to_json, from_json: between a value and what stands in an address; ``from_json`` raises ValueError or TypeError.
    """

    expression: Expression | None = None
    descending: bool = True
    to_json: Callable[[Any], Any] = lambda value: value
    from_json: Callable[[Any], Any] = lambda value: value


@dataclass(frozen=True)
class Page(Generic[M]):
    """Some rows; ``previous`` and ``next`` are the cursors of the pages beside it, empty where there is none."""

    rows: list[M]
    previous: str
    next: str


def fetch(query: QuerySet[M], order: Order, size: int, *, after: str = "", before: str = "") -> Page[M]:
    """One page of ``query``, in one query: the first, the one ``after`` a cursor, or the one ``before`` a cursor or ``END``.

    A cursor that makes no sense is taken for none.
    """
    if order.expression is not None:
        query = query.annotate(**{_KEY: order.expression})
    cut = _read(after, order) if after else _read(before, order)
    backwards = not after and (before == END or cut is not None)
    if cut is not None:
        query = query.filter(_beyond(cut, order, backwards=backwards))
    found = list(query.order_by(*_ordering(order, backwards=backwards))[: size + 1])
    more, rows = len(found) > size, found[:size]
    if backwards:
        rows.reverse()
    earlier = more if backwards else cut is not None
    later = (before != END and cut is not None) if backwards else more
    return Page(
        rows,
        _write(rows[0], order) if rows and earlier else "",
        _write(rows[-1], order) if rows and later else "",
    )


def is_cursor(text: str, order: Order) -> bool:
    """Whether ``text`` can be a cursor of a list in this order."""
    return _read(text, order) is not None


def _ordering(order: Order, *, backwards: bool) -> list[Any]:
    ids = F("pk").asc() if backwards else F("pk").desc()
    if order.expression is None:
        return [ids if order.descending else (F("pk").desc() if backwards else F("pk").asc())]
    empty = {"nulls_first": True} if backwards else {"nulls_last": True}
    return [F(_KEY).desc(**empty) if order.descending != backwards else F(_KEY).asc(**empty), ids]


def _beyond(cut: tuple[Any, int], order: Order, *, backwards: bool) -> Q:
    value, pk = cut
    if order.expression is None:
        return Q(pk__lt=pk) if order.descending != backwards else Q(pk__gt=pk)
    ids = Q(pk__gt=pk) if backwards else Q(pk__lt=pk)
    empty = Q(**{f"{_KEY}__isnull": True})
    if value is None:
        return (~empty | (empty & ids)) if backwards else (empty & ids)
    further = Q(_compare("<" if order.descending != backwards else ">", value, order))
    equal = Q(_compare("=", value, order)) & ids
    return further | equal if backwards else further | equal | empty


def compared(left: Combinable, sign: str, right: Combinable) -> Func:
    """``left sign right`` as SQL, of values of any type; ``sign`` is one of ours, never a person's."""
    return Func(left, right, template="(%(expressions)s)", arg_joiner=f" {sign} ", output_field=BooleanField())


def _compare(sign: str, value: Any, order: Order) -> Func:
    assert order.expression is not None  # noqa: S101 (asked by the callers)
    return compared(F(_KEY), sign, Value(value, output_field=order.expression.output_field))


def _write(row: Model, order: Order) -> str:
    if order.expression is None:
        return json.dumps([None, row.pk])
    value = getattr(row, _KEY)
    return json.dumps([None if value is None else order.to_json(value), row.pk], separators=(",", ":"))


def _read(text: str, order: Order) -> tuple[Any, int] | None:
    try:
        value, pk = json.loads(text, parse_constant=_refuse)
        if not (type(pk) is int and 0 <= pk <= _MOST_ID) or "\\u0000" in json.dumps(value):
            return None
        return (None if value is None else order.from_json(value)), pk
    except (ValueError, TypeError, RecursionError, OverflowError):
        return None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")
