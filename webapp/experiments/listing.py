"""The runs list: which runs, in which order, with which columns, all of it in the address. Fast with thousands of runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import CharField, Exists, F, FloatField, Func, JSONField, OuterRef, QuerySet, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.http import QueryDict

from engine.errors import UserError
from webapp import keyset
from webapp.accounts.models import Project
from webapp.datasets.models import HEAVY_OF_VERSION
from webapp.display import moment, percent, score
from webapp.experiments import columns as cells
from webapp.experiments import display
from webapp.experiments.access import runs_for_user
from webapp.experiments.conditions import Condition, make_condition, parse_condition, search_text
from webapp.experiments.events import MAIN_METRIC
from webapp.experiments.fields import Field, find_field, json_value
from webapp.experiments.models import Run, RunColumns, RunStar, RunState

_RESULTS = ("data", "test", "valid", "slices", "intervals", "mask", "warnings", "curve", "curve_at")
_HEAVY = ("spec", *_RESULTS, "notes", "acknowledged")
_WORDS = ("error", "hint")
_SORTS = {"newest": "-id", "oldest": "id", "ndcg": f"-test.{MAIN_METRIC}", "duration": "-seconds"}
"""Names of orders in addresses of old."""
_NEWEST = "-id"
_MOST_CONDITIONS = 20
COUNTED = 10_000
"""Rows are counted up to here, and no further."""


@dataclass(frozen=True)
class Problem:
    """A part of the address that made no sense and was left out: ``text`` as it stands there, what is wrong, what would do."""

    name: str
    text: str
    message: str
    hint: str


@dataclass(frozen=True)
class Listing:
    """What a runs list was asked for.

    Attributes:
        state, method: of the two quick filters; empty for all.
        conditions: the others; ``words`` are sought in number, notes and tags.
        sort: a field's name, after a hyphen if the largest come first.
        named: the columns, where the address names them; else ``columns`` are the person's, or everybody's.
        trials: whether trials of searches are shown too.
    """

    state: str = ""
    method: str = ""
    conditions: tuple[Condition, ...] = ()
    words: str = ""
    sort: str = _NEWEST
    named: tuple[str, ...] = ()
    columns: tuple[Field, ...] = ()
    trials: bool = False
    problems: tuple[Problem, ...] = ()

    @classmethod
    def from_query(cls, query: QueryDict, own_columns: Sequence[str] = ()) -> "Listing":
        """Read the address; ``own_columns`` are the person's. What makes no sense is left out, and named in ``problems``."""
        problems: list[Problem] = []
        conditions: list[Condition] = []
        for text in query.getlist("where")[:_MOST_CONDITIONS]:
            try:
                conditions.append(parse_condition(text))
            except UserError as error:
                problems.append(Problem("where", text, error.message, error.hint or ""))
        quick = {name: _quick(query.get(name, ""), name, problems) for name in ("state", "method")}
        named = tuple(name for name in query.get("columns", "").split(",") if name)
        shown, wrong = find_columns(named or own_columns or cells.DEFAULT)
        problems += [Problem("columns", name, error.message, error.hint or "") for name, error in wrong if named]
        return cls(
            **quick,
            conditions=tuple(dict.fromkeys(conditions)),
            words=query.get("q", "").replace("\x00", "").strip()[:200],
            sort=_sort(query.get("sort", ""), problems),
            named=tuple(field.name for field in shown) if named else (),
            columns=shown,
            trials=query.get("trials", "") == "1",
            problems=tuple(problems),
        )

    def query(self, project: Project | None, user: User) -> QuerySet[Run]:
        """The runs that match, all columns, in no order; ``project`` None: of all the user's projects."""
        runs = runs_for_user(user) if project is None else Run.objects.filter(project=project)
        runs = runs.exclude(state=RunState.DRAFT)
        for condition in self._all_conditions():
            runs = runs.filter(condition.q(user))
        if not self._asks_for("archived"):
            runs = runs.filter(archived_at=None)
        if not self.trials and not self._asks_for("search"):
            runs = runs.filter(search_trial=None)
        return runs.filter(search_text(self.words)) if self.words else runs

    def page(self, project: Project, user: User, size: int, after: str, before: str) -> keyset.Page[Run]:
        """One page, whose runs have what ``row`` shows."""
        descending, name = self.sort.startswith("-"), self.sort.removeprefix("-")
        query = self.shown(self.query(project, user), user)
        return keyset.fetch(query, find_field(name).order(descending=descending), size, after=after, before=before)

    def count(self, project: Project | None, user: User) -> int:
        """How many runs match; ``COUNTED + 1`` if they are more than that."""
        return self.query(project, user).order_by().values("pk")[: COUNTED + 1].count()

    def shown(self, runs: QuerySet[Run], user: User) -> QuerySet[Run]:
        """``runs`` with what ``row`` shows, without their large columns."""
        names = {field.name for field in self.columns}
        related = ["version__dataset", "variant__group"]
        hidden = {*_HEAVY, *_WORDS, *HEAVY_OF_VERSION, "variant__comparison"} - names
        if "by" in names:
            related.append("created_by")
        if "search" in names:
            related.append("search_trial__search")
            hidden |= {f"search_trial__search__{name}" for name in ("plan", "answer", "winner")}
            hidden.add("search_trial__candidate")
        if "protocol" not in names:
            hidden.add("protocol")
        values: dict[str, Any] = {"starred": Exists(RunStar.objects.filter(run=OuterRef("pk"), user=user))}
        for position, field in enumerate(self.columns):
            if field.path:
                values[cells.value_name(position)] = json_value(field.source, field.path)
            elif field.jsonpath:
                path = Func(Value(field.jsonpath), template="(%(expressions)s)::jsonpath", output_field=CharField())
                values[cells.value_name(position)] = Func(
                    F(field.source), path, function="jsonb_path_query_array", output_field=JSONField()
                )
        return runs.annotate(**values).select_related(*related).defer(*hidden)

    def row(self, run: Any) -> dict[str, Any]:
        """One row, formatted; ``run`` comes from ``shown``."""
        return {
            "pk": run.pk,
            "active": display.is_active(run),
            "starred": run.starred,
            "archived": run.archived_at is not None,
            "cells": [(cells.css(field), cells.cell(field, run, position)) for position, field in enumerate(self.columns)],
        }

    def address(self, **changes: Any) -> str:
        """This list's query string with ``changes`` of its attributes."""
        changed = replace(self, **changes)
        parts = [("state", changed.state), ("method", changed.method)]
        parts += [("where", condition.text) for condition in changed.conditions]
        parts += [("q", changed.words), ("sort", changed.sort if changed.sort != _NEWEST else "")]
        parts += [("columns", ",".join(changed.named)), ("trials", "1" if changed.trials else "")]
        return urlencode([(name, value) for name, value in parts if value])

    @property
    def here(self) -> str:
        """The query string of this list."""
        return self.address()

    @property
    def filtered(self) -> bool:
        """Whether it leaves out runs that were asked for by nobody to be hidden."""
        return bool(self.state or self.method or self.conditions or self.words)

    def without(self, condition: Condition) -> str:
        """The query string of the list that lacks ``condition``."""
        return self.address(conditions=tuple(other for other in self.conditions if other != condition))

    def _asks_for(self, name: str) -> bool:
        return any(condition.field.name == name for condition in self.conditions)

    def _all_conditions(self) -> list[Condition]:
        quick = [make_condition(name, "=", value) for name, value in (("state", self.state), ("method", self.method)) if value]
        return [*quick, *self.conditions]


def find_columns(names: Sequence[str]) -> tuple[tuple[Field, ...], list[tuple[str, UserError]]]:
    """The fields called ``names``, each once, and those that do not exist, with what is wrong."""
    found: dict[str, Field] = {}
    wrong = []
    for name in names:
        try:
            field = find_field(str(name))
        except UserError as error:
            wrong.append((str(name), error))
            continue
        if field.name != "id":
            found.setdefault(field.name, field)
    return tuple(found.values())[: cells.MOST], wrong


def own_columns(user: User) -> list[str]:
    """The names of the columns that ``user`` wants to see; empty for those of everybody."""
    found = RunColumns.objects.filter(user=user).values_list("names", flat=True).first()
    return [str(name) for name in found or []]


def _quick(value: str, name: str, problems: list[Problem]) -> str:
    if value:
        try:
            make_condition(name, "=", value)
        except UserError as error:
            problems.append(Problem(name, value, error.message, error.hint or ""))
            return ""
    return value.replace("\x00", "").strip()


def _sort(text: str, problems: list[Problem]) -> str:
    if not text:
        return _NEWEST
    text = _SORTS.get(text, text)
    try:
        field = find_field(text.removeprefix("-"))
        if not field.sortable:
            raise UserError(f"Runs cannot be sorted by {field.name}.", "Choose another column.")
    except UserError as error:
        problems.append(Problem("sort", text, error.message, error.hint or ""))
        return _NEWEST
    return text


def with_score(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Add ``ndcg``, the test NDCG@10, and leave out what short lists do not show."""
    value = Cast(KeyTextTransform(MAIN_METRIC, "test"), FloatField())
    related = runs.annotate(ndcg=value).select_related("version__dataset", "variant__group")
    return related.defer(*_HEAVY, *HEAVY_OF_VERSION, "variant__comparison")


def run_row(run: Run) -> dict[str, Any]:
    """A run in a short list. ``run`` comes from ``with_score``."""
    return {
        "pk": run.pk,
        "state": display.state(run),
        "active": display.is_active(run),
        "method": display.method_title(run.method),
        "preset": run.preset if run.preset != run.method and run.variant is None else "",
        "variant": str(run.variant) if run.variant else "",
        "version": f"{run.version.dataset.name} v{run.version.number}",
        "generated": run.version.dataset.generated,
        "ndcg": score(run.ndcg),  # type: ignore[attr-defined]
        "protocol": display.protocol_in_short(run.protocol),
        "started": moment(run.started_at or run.queued_at),
        "took": display.took(run),
        "fraction": float(run.progress.get("fraction", 0.0)),
        "percent": percent(float(run.progress.get("fraction", 0.0))),
    }
