"""What a run can be filtered, sorted and shown by: its columns, metrics, and every setting of its spec, each under one name."""

import datetime
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import CharField, DateTimeField, F, FloatField, Func, JSONField, Value
from django.db.models.expressions import Expression, ExpressionWrapper
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Cast, Concat, LPad

from engine.errors import UserError
from engine.methods import METHODS
from engine.presets import presets
from webapp.experiments.models import RunState
from webapp.keyset import Order

METRIC_BASES = ("ndcg", "hr", "mrr", "coverage")
CUTOFFS = (1, 5, 10, 20)
STATES = ("active", "ended", *(state.value for state in RunState if state != RunState.DRAFT))
_METRIC = re.compile(r"(test|valid)\.([a-z][a-z0-9_]*)(?:@([1-9][0-9]{0,3}))?")


@dataclass(frozen=True)
class Field:
    """One of them.

    Attributes:
        name: as it is typed and stands in addresses, e.g. ``training.seed``.
        kind: ``number``, ``text``, ``choice``, ``moment``, ``flag`` (yes or no), ``tags``, ``member`` (of a search or group),
            ``any`` (a setting that is a number in one method and a word in another), ``show`` (only a column).
        source: Django's name of the column; empty where the condition has a rule of its own.
        path: keys inside the column, where that is JSON.
        jsonpath: the same, for Postgres; may go through lists.
    """

    name: str
    label: str
    kind: str
    source: str = ""
    path: tuple[str, ...] = ()
    jsonpath: str = ""
    unit: str = ""
    choices: tuple[str, ...] = ()
    sortable: bool = True

    @property
    def numeric(self) -> bool:
        """Whether it is set to the right in tables."""
        return self.kind == "number"

    def order(self, *, descending: bool) -> Order:
        """How to sort by it."""
        if self.name == "id":
            return Order(None, descending)
        if self.path:
            return Order(json_value(self.source, self.path), descending)
        if self.name == "data":
            number = LPad(Cast("version__number", CharField()), 9, Value("0"))
            words = Concat("version__dataset__name", Value(" "), number, output_field=CharField())
            return Order(words, descending, from_json=_text)
        if self.kind == "moment":
            when = ExpressionWrapper(F(self.source), output_field=DateTimeField())
            return Order(when, descending, datetime.datetime.isoformat, _moment)
        if self.kind == "number":
            return Order(Cast(self.source, FloatField()), descending, from_json=_number)
        return Order(Cast(self.source, CharField()), descending, from_json=_text)


def json_value(column: str, path: tuple[str, ...]) -> Expression:
    """The value at ``path`` as jsonb, whose order Postgres knows for any mix of types; NULL for a JSON null or no such key."""
    inner: Any = column
    for key in path:
        inner = KeyTransform(key, inner)
    return Func(inner, template="NULLIF(%(expressions)s, 'null'::jsonb)", output_field=JSONField())


@cache
def fields() -> dict[str, Field]:
    """All that are always there, by name: columns, then the usual metrics, then settings."""
    found = [*_columns(), *_metrics(), *_settings()]
    return {field.name: field for field in found}


def find_field(name: str) -> Field:
    """The field called ``name``; raises UserError with a guess at what was meant."""
    known = fields()
    if name in known:
        return known[name]
    metric = _METRIC.fullmatch(name)
    if metric and metric[2] in METRIC_BASES:
        return _metric(metric[1], name.partition(".")[2])
    last = name.rpartition(".")[2]
    close = [other for other in known if other.rpartition(".")[2] == last] if last else []
    close = close or difflib.get_close_matches(name, known, n=3)
    hint = f"Did you mean {' or '.join(close[:3])}?" if close else "Names are those of the list of fields, e.g. training.seed."
    raise UserError(f"There is no field {name[:60]!r}.", hint)


def _columns() -> Iterator[Field]:
    yield Field("id", "Run", "number", "id")
    yield Field("state", "State", "choice", "state", choices=STATES)
    yield Field("method", "Method", "choice", "method", choices=tuple(METHODS.names()))
    yield Field("preset", "Preset", "choice", "preset", choices=tuple(presets().names()))
    yield Field("data", "Data", "text", "version__dataset__name")
    yield Field("version", "Version", "number", "version__number")
    yield Field("tag", "Tags", "tags", "tags", sortable=False)
    yield Field("starred", "Starred", "flag", choices=("yes", "no"), sortable=False)
    yield Field("archived", "Archived", "flag", "archived_at", choices=("yes", "no", "any"), sortable=False)
    yield Field("by", "Created by", "text", "created_by__username")
    yield Field("group", "Group", "member", "variant__group", sortable=False)
    yield Field("search", "Search", "member", "search_trial__search__number", sortable=False)
    yield Field("created", "Created", "moment", "created_at")
    yield Field("started", "Started", "moment", "started_at")
    yield Field("finished", "Finished", "moment", "finished_at")
    yield Field("seconds", "Duration", "number", "seconds", unit="seconds")
    yield Field("parameters", "Trainable parameters", "number", "trainable_parameters")
    yield Field("speed", "Training speed", "number", "targets_per_second", unit="targets/s")
    yield Field("epochs", "Epochs", "number", "epochs")
    yield Field("best_epoch", "Best epoch", "number", "best_epoch")
    yield Field("users", "Users evaluated", "number", "users_evaluated")
    yield Field("attempt", "Attempt", "number", "attempt")
    yield Field("worker", "Worker", "text", "worker")
    yield Field("error", "Error", "text", "error")
    yield Field("notes", "Notes", "text", "notes", sortable=False)
    yield Field("protocol", "Protocol", "show", "protocol", sortable=False)
    # Of the protocol only the parts that people choose runs by.
    for name, label in (("split", "Split"), ("seen", "Seen items"), ("candidates", "Candidates"), ("split_hash", "Split hash")):
        yield Field(f"protocol.{name}", label, "any", "protocol", (name,), f'$."{name}"')


def _metrics() -> Iterator[Field]:
    for side in ("test", "valid"):
        for base in METRIC_BASES:
            for cut in CUTOFFS:
                yield _metric(side, f"{base}@{cut}")


def _metric(side: str, key: str) -> Field:
    base, at, cut = key.partition("@")
    words = base.upper() if base in ("ndcg", "hr", "mrr") else base.replace("_", " ").capitalize()
    where = "test" if side == "test" else "validation"
    return Field(f"{side}.{key}", f"{words}{at}{cut}, {where}", "number", side, (key,), f'$."{key}"')


def _settings() -> Iterator[Field]:
    """Settings of all methods; one that several of them have is one field."""
    found: dict[str, set[str]] = {}
    units: dict[str, str] = {}
    choices: dict[str, dict[str, None]] = {}
    for preset in (presets().get(name) for name in presets().names()):
        for setting in preset.spec().fields():
            found.setdefault(setting.path, set()).add("number" if setting.kind in ("integer", "number") else "any")
            units.setdefault(setting.path, setting.unit)
            choices.setdefault(setting.path, {}).update(dict.fromkeys(setting.choices))
    for path, kinds in sorted(found.items(), key=lambda item: (item[0].startswith("method."), item[0])):
        keys = tuple(path.split("."))
        if path == "method.architecture":
            continue
        kind = "number" if kinds == {"number"} else "any"
        quoted = "$" + "".join(f'."{key}"' for key in keys)
        yield Field(path, path, kind, "spec", keys, quoted, units[path], tuple(choices[path]))
    for name, kind in (("kind", "any"), ("target", "any"), ("rank", "number")):
        # True if any layer is like that.
        where = f'$."method"."architecture"[*]."{name}"'
        yield Field(f"method.architecture.{name}", f"adapter {name}", kind, "spec", (), where, sortable=False)


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError("no number")
    return float(value)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("no text")
    return value


def _moment(value: Any) -> datetime.datetime:
    when = datetime.datetime.fromisoformat(_text(value))
    return when if when.tzinfo else when.replace(tzinfo=datetime.UTC)
