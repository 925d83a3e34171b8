"""Pages by keyset, against sorting everything in Python."""

from typing import Any

import pytest
from django.db.models import F, FloatField
from django.db.models.functions import Cast
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.webapp.people import make_run
from webapp.datasets.models import Version
from webapp.experiments.fields import json_value
from webapp.experiments.models import Run
from webapp.keyset import END, Order, fetch


def expected(runs: list[Run], name: str, *, descending: bool) -> list[int]:
    filled = [run for run in runs if getattr(run, name) is not None]
    ordered = sorted(filled, key=lambda run: (getattr(run, name) * (-1 if descending else 1), -run.pk))
    empty = sorted((run for run in runs if getattr(run, name) is None), key=lambda run: -run.pk)
    return [run.pk for run in [*ordered, *empty]]


def walk(order: Order, size: int) -> tuple[list[int], list[int]]:
    """All primary keys from the first page on, and from the last page back."""
    page, forward = fetch(Run.objects.all(), order, size), []
    assert page.previous == ""
    while True:
        forward += [run.pk for run in page.rows]
        if not page.next:
            break
        page = fetch(Run.objects.all(), order, size, after=page.next)
        assert page.previous
    page, backward = fetch(Run.objects.all(), order, size, before=END), []
    assert page.next == ""
    while True:
        backward = [run.pk for run in page.rows] + backward
        if not page.previous:
            break
        page = fetch(Run.objects.all(), order, size, before=page.previous)
        assert page.next
    return forward, backward


def seconds_order(*, descending: bool) -> Order:
    return Order(Cast("seconds", FloatField()), descending, from_json=float)


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.one_of(st.none(), st.sampled_from([0.0, 0.1, 1 / 3, 1e300, -2.5])), max_size=12),
    size=st.integers(1, 5),
    descending=st.booleans(),
)
def test_every_row_once_in_order_both_ways(version: Version, values: list[float | None], size: int, descending: bool) -> None:
    Run.objects.all().delete()
    runs = [make_run(version, seconds=value) for value in values]
    forward, backward = walk(seconds_order(descending=descending), size)
    assert forward == backward == expected(runs, "seconds", descending=descending)


def test_by_primary_key_alone(version: Version) -> None:
    runs = [make_run(version).pk for _ in range(7)]
    assert walk(Order(None, descending=True), 3)[0] == runs[::-1]
    assert walk(Order(None, descending=False), 3)[0] == runs


def test_json_values_of_mixed_types(version: Version) -> None:
    values: list[Any] = [3, 0.5, "x", None, True, 3, [1], "a", 0.1, 12345678901234567]
    for value in values:
        run = make_run(version)
        run.spec["training"]["seed"] = value
        run.save()
    del run.spec["training"]["seed"]
    run.save()
    for descending in (True, False):
        forward, backward = walk(Order(json_value("spec", ("training", "seed")), descending), 2)
        assert forward == backward
        assert len(set(forward)) == len(values)


def test_rows_that_come_and_go_move_no_page(version: Version) -> None:
    runs = [make_run(version, seconds=float(index)) for index in range(10)]
    order = seconds_order(descending=True)
    first = fetch(Run.objects.all(), order, 4)
    make_run(version, seconds=99.0)
    Run.objects.filter(pk=runs[9].pk).delete()
    second = fetch(Run.objects.all(), order, 4, after=first.next)
    assert [run.pk for run in second.rows] == [run.pk for run in runs[5:1:-1]]


def test_a_page_that_is_gone_is_empty_and_says_so(version: Version) -> None:
    run = make_run(version)
    page = fetch(Run.objects.all(), Order(None), 5, after=f"[null,{run.pk}]")
    assert (page.rows, page.previous, page.next) == ([], "", "")


@pytest.mark.parametrize(
    "text", ["x", "{}", "[1]", "[1,2,3]", '["\\u0000",1]', "[null,-1]", "[null,true]", "[NaN,1]", "[Infinity,1]"]
)
def test_nonsense_is_taken_for_no_cursor(version: Version, text: str) -> None:
    run = make_run(version)
    order = Order(Cast(F("seconds"), FloatField()), descending=True, from_json=float)
    for page in (fetch(Run.objects.all(), order, 5, after=text), fetch(Run.objects.all(), order, 5, before=text)):
        assert [found.pk for found in page.rows] == [run.pk]
