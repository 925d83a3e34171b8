"""What a comparison was asked for: the address says which runs, which columns, in which order, so that a link shares it."""

import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.http import QueryDict

from engine.errors import UserError
from webapp.comparing.columns import DEFAULT, PAIRED_METRICS, is_column
from webapp.experiments.events import MAIN_METRIC

MOST_RUNS = 100
_MOST_COLUMNS = 40
_NUMBER = re.compile(r"\s*(?:run-)?(\d{1,18})\s*", re.ASCII)


@dataclass(frozen=True)
class Chosen:
    """The address of a comparison, read.

    Attributes:
        runs: ids in the order given, none twice.
        columns: of the table of metrics, in order.
        sort: a column by which the rows are ordered within their class; empty: as given.
        rising: the lowest value first.
        find: only rows whose words contain this.
        metric: what the significance is of.
        clock: curves over time, not over epochs.
        place: first of the runs whose sample recommendations are shown.
    """

    runs: tuple[int, ...] = ()
    columns: tuple[str, ...] = DEFAULT
    sort: str = ""
    rising: bool = False
    find: str = ""
    metric: str = MAIN_METRIC
    clock: bool = False
    place: int = 0

    @classmethod
    def from_query(cls, query: QueryDict, columns: tuple[str, ...] = DEFAULT) -> "Chosen":
        """Read the address; ``columns`` stand where it names none. Values that make no sense are as if left out.

        Raises:
            UserError: a run that is no number, or too many runs.
        """
        found = tuple(name for name in _listed(query, "columns") if is_column(name))[:_MOST_COLUMNS] or columns
        sort, metric = query.get("sort", ""), query.get("metric", MAIN_METRIC)
        place = query.get("place", "0")
        return cls(
            _runs(_listed(query, "runs")),
            found,
            sort if is_column(sort) else "",
            query.get("order") == "rising",
            query.get("find", "").strip()[:100],
            metric if metric in PAIRED_METRICS else MAIN_METRIC,
            query.get("over") == "time",
            int(place) if place.isascii() and place.isdecimal() and len(place) < 4 else 0,
        )

    def address(self, **changes: Any) -> str:
        """The query string of this comparison, with ``changes``; what is as usual is left out, all columns stand."""
        asked = replace(self, **changes)
        values = {
            "runs": ",".join(map(str, asked.runs)),
            "columns": ",".join(asked.columns),
            "sort": asked.sort,
            "order": "rising" if asked.rising and asked.sort else "",
            "find": asked.find,
            "metric": "" if asked.metric == MAIN_METRIC else asked.metric,
            "over": "time" if asked.clock else "",
            "place": str(asked.place or ""),
        }
        return urlencode({name: value for name, value in values.items() if value}, safe=",@")

    @property
    def here(self) -> str:
        """The query string of just this."""
        return self.address()

    def hidden(self, *without: str) -> list[tuple[str, str]]:
        """Names and values for the hidden fields of a form that changes only ``without``."""
        return [(name, value) for name, value in parse_qsl(self.here) if name not in without]

    def without(self, run: int) -> str:
        """The query string without one run."""
        return self.address(runs=tuple(pk for pk in self.runs if pk != run), place=0)

    def sorted_by(self, column: str) -> str:
        """The query string ordered by ``column``; the other way round if it is already."""
        same = self.sort == column
        return self.address(sort=column, rising=not self.rising if same else False)


def parse_run(text: str) -> int | None:
    """The id in ``142`` or ``run-142``; None for anything else."""
    found = _NUMBER.fullmatch(text)
    return int(found[1]) if found else None


def _runs(names: list[str]) -> tuple[int, ...]:
    found: dict[int, None] = {}
    for name in names:
        number = parse_run(name)
        if number is None:
            raise UserError(f"{name[:40]!r} is not the number of a run.", "Write the runs as /compare?runs=142,131.")
        found.setdefault(number)
    if len(found) > MOST_RUNS:
        raise UserError(f"{len(found)} runs are too many to compare at once.", f"Choose at most {MOST_RUNS}.")
    return tuple(found)


def _listed(query: QueryDict, name: str) -> list[str]:
    """The values of a parameter that may be repeated, and each be a list with commas."""
    return [part for value in query.getlist(name) for part in value.split(",") if part.strip()]
