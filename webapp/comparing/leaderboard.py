"""The methods on one version of a dataset: configurations chosen on validation, and only then looked at on the test.

Runs that differ in their seed alone are one configuration; of the same seed the newest counts. One query does it, however
many runs there are.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from webapp.comparing.fairness import conditions, differences, letters
from webapp.comparing.loading import not_archived
from webapp.datasets.models import Version
from webapp.display import NOTHING, count, duration, score
from webapp.experiments import display
from webapp.experiments.events import MAIN_METRIC
from webapp.experiments.models import Run, RunState

SECOND_METRIC = "hr@10"
_SAME = (
    "{training,seed}",
    "{training,threads}",
    "{training,device}",
    "{evaluation,batch_users}",
    "{evaluation,samples}",
    "{preset}",
)
"""Settings that make no other configuration: they say where and how often, or are a label."""
_SQL = """
WITH counted AS (
  SELECT DISTINCT ON (protocol, users_evaluated, method, config, seed) *
  FROM (
    SELECT id, protocol, users_evaluated, method, preset, spec#>>'{{training,seed}}' AS seed, seconds, trainable_parameters,
      md5(({trimmed})::text) AS config, (test->>%(metric)s)::float8 AS test, (test->>%(second)s)::float8 AS second,
      (valid->>%(metric)s)::float8 AS valid
    FROM experiments_run WHERE id IN ({chosen})
  ) AS finished
  WHERE test IS NOT NULL AND valid IS NOT NULL
  ORDER BY protocol, users_evaluated, method, config, seed, id DESC
)
SELECT protocol::text, users_evaluated, method, min(preset), config, array_agg(id ORDER BY id), avg(test), stddev_samp(test),
  avg(valid), stddev_samp(valid), avg(second), avg(seconds), max(trainable_parameters)
FROM counted GROUP BY protocol, users_evaluated, method, config
"""


@dataclass(frozen=True)
class Configuration:
    """A method with its settings, over its seeds. ``deviation`` and ``valid_deviation`` (n - 1) are None with one seed."""

    method: str
    preset: str
    runs: list[int]
    test: float
    deviation: float | None
    valid: float
    valid_deviation: float | None
    second: float | None
    seconds: float | None
    parameters: int | None


@dataclass(frozen=True)
class Board:
    """The configurations measured under one protocol, the best by validation first."""

    name: str
    protocol: dict[str, Any]
    users: int | None
    apart: tuple[str, ...]
    configurations: list[Configuration]


def boards(version: Version) -> list[Board]:
    """A board for each fairness class of the version's finished runs in its project, the largest first."""
    runs = Run.objects.filter(project=version.dataset.project_id, version=version, state=RunState.SUCCEEDED)
    found: dict[str, tuple[dict[str, Any], int | None, list[Configuration]]] = {}
    for protocol, users, method, preset, _, *rest in _rows(runs):
        _, _, members = found.setdefault(f"{protocol} {users}", (json.loads(protocol), users, []))
        members.append(Configuration(method, preset, *rest))
    ordered = sorted(found.values(), key=lambda entry: -sum(len(one.runs) for one in entry[2]))
    made = []
    for place, (protocol, users, members) in enumerate(ordered):
        first = conditions(ordered[0][0], ordered[0][1], True)
        apart = tuple(differences(conditions(protocol, users, True), first)) if place else ()
        members.sort(key=lambda one: (-one.valid, one.runs))
        made.append(Board(letters(place), protocol, users, apart, members))
    return made


def table(board: Board, by_preset: bool) -> dict[str, Any]:
    """A row a method (or a method and preset): of its configurations the best by validation; rows by their test, best first."""
    chosen = ranked(board, by_preset)
    users = f" · {count(board.users)} users" if board.users is not None else ""
    return {
        "name": board.name,
        "line": f"{display.protocol_line(board.protocol)}{users}",
        "apart": board.apart,
        "rows": [_row(place, one, tried) for place, (one, tried) in enumerate(chosen, 1)],
        "best": [one.runs[-1] for one, _ in chosen],
    }


def ranked(board: Board, by_preset: bool) -> list[tuple[Configuration, int]]:
    """Of each method (or method and preset) the configuration that is best by validation, and of how many; best test first."""
    chosen: dict[tuple[str, str], Configuration] = {}
    tried: dict[tuple[str, str], int] = {}
    for one in board.configurations:
        key = (one.method, one.preset if by_preset else "")
        chosen.setdefault(key, one)
        tried[key] = tried.get(key, 0) + 1
    return [(one, tried[key]) for key, one in sorted(chosen.items(), key=lambda entry: -entry[1].test)]


def _row(place: int, one: Configuration, tried: int) -> dict[str, Any]:
    return {
        "place": place,
        "method": display.method_title(one.method),
        "preset": one.preset or NOTHING,
        "test": score(one.test),
        "deviation": "" if one.deviation is None else score(one.deviation),
        "valid": score(one.valid),
        "valid_deviation": "" if one.valid_deviation is None else score(one.valid_deviation),
        "second": score(one.second),
        "seeds": count(len(one.runs)),
        "tried": count(tried),
        "parameters": count(one.parameters),
        "seconds": duration(one.seconds),
        "runs": one.runs,
        "compare": ",".join(map(str, one.runs[:100])),
        "alone": len(one.runs) == 1,
    }


def _rows(runs: "QuerySet[Run]") -> list[tuple[Any, ...]]:
    """What the database makes of ``runs``, as ``_SQL`` says."""
    trimmed = "spec" + "".join(f" #- '{path}'" for path in _SAME)
    inner, values = not_archived(runs).order_by().values("pk").query.sql_with_params()
    # The inner statement has places for its values by order, ours by name.
    names = [f"inner{place}" for place in range(len(values))]
    chosen = inner % tuple(f"%({name})s" for name in names)
    statement = _SQL.format(trimmed=trimmed, chosen=chosen)
    with connection.cursor() as cursor:
        cursor.execute(statement, {**dict(zip(names, values, strict=True)), "metric": MAIN_METRIC, "second": SECOND_METRIC})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
