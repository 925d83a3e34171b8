"""Runs side by side, and the leaderboard of a version, by REST. Numbers stand together only under one protocol."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, QueryDict
from ninja import Query, Router, Schema
from pydantic import Field

from webapp.api.answers import ERRORS, MOST_ID, example, user_of
from webapp.comparing import significance
from webapp.comparing.chosen import Chosen
from webapp.comparing.columns import PAIRED_METRICS
from webapp.comparing.exports import as_values
from webapp.comparing.fairness import guard
from webapp.comparing.leaderboard import boards, ranked
from webapp.comparing.loading import load_runs
from webapp.datasets.access import get_version_for_user
from webapp.experiments.events import MAIN_METRIC

router = Router(tags=["compare"])
board_router = Router(tags=["compare"])
Metric = Literal[PAIRED_METRICS]  # type: ignore[valid-type]  # made of cutoffs, one list for pages and REST


class ComparedOut(Schema):
    """A run among others."""

    model_config = example(
        run=142, state="succeeded", values={"test.ndcg@10": 0.0571}, intervals={"test.ndcg@10": [0.052, 0.062]}
    )

    run: int
    state: str
    values: dict[str, Any] = Field(description="by column; null where there is none")
    intervals: dict[str, list[float]] = Field(description="lower and upper end of the 95 % interval over users")


class PairOut(Schema):
    """The difference of two runs, paired over users."""

    model_config = example(a=142, b=131, difference=0.004, low=0.001, high=0.007, p=0.004, corrected_p=0.012)

    a: int
    b: int
    difference: float = Field(description="mean of a minus mean of b")
    low: float = Field(description="lower end of its 95 % interval")
    high: float
    p: float
    corrected_p: float = Field(description="corrected for the number of pairs (Holm)")


class SignificanceOut(Schema):
    """Which differences within a class are more than chance."""

    model_config = example(
        **{
            "class": "A",
            "metric": "ndcg@10",
            "state": "ready",
            "reference": None,
            "users": 600,
            "pairs": [],
            "problem": "",
            "without": {},
        }
    )

    class_: str = Field(alias="class")
    metric: str
    state: str = Field(description="waiting (ask again), ready or failed")
    reference: int | None = Field(description="the run that each is compared with; null: all pairs")
    users: int | None
    pairs: list[PairOut]
    problem: str
    without: dict[str, str] = Field(description="runs that could not be compared, by id, and why")


class ClassOut(Schema):
    """Runs that may be ranked together."""

    model_config = example(**{"class": "A", "apart": [], "protocol": {}, "users_evaluated": 600, "runs": []})

    class_: str = Field(alias="class", description="A has most runs")
    apart: list[str] = Field(description="what keeps it apart from class A, in words")
    protocol: dict[str, Any]
    users_evaluated: int | None
    runs: list[ComparedOut]


class ComparisonOut(Schema):
    """A comparison."""

    model_config = example(classes=[], no_result=[], unknown=[], significance=[])

    classes: list[ClassOut]
    no_result: list[ComparedOut]
    unknown: list[int] = Field(description="ids that are no runs, or none that you may see")
    significance: list[SignificanceOut]


class PlaceOut(Schema):
    """A method's place: its configuration that validation chose, over its seeds."""

    model_config = example(
        place=1,
        method="sasrec",
        preset="sasrec",
        runs=[142],
        tried=3,
        test=0.0571,
        deviation=None,
        valid=0.0605,
        valid_deviation=None,
        hr=0.1085,
        seconds=75.0,
        parameters=12345,
    )

    place: int = Field(description="from 1, by the test")
    method: str
    preset: str
    runs: list[int] = Field(description="one a seed")
    tried: int = Field(description="configurations among which validation chose")
    test: float = Field(description="mean NDCG@10 on the test")
    deviation: float | None = Field(description="over seeds (n - 1); null with one seed")
    valid: float = Field(description="mean NDCG@10 on validation")
    valid_deviation: float | None
    hr: float | None = Field(description="mean HR@10 on the test")
    seconds: float | None
    parameters: int | None


class BoardOut(Schema):
    """The methods measured under one protocol."""

    model_config = example(**{"class": "A", "protocol": {}, "users_evaluated": 600, "apart": [], "places": []})

    class_: str = Field(alias="class")
    protocol: dict[str, Any]
    users_evaluated: int | None
    apart: list[str]
    places: list[PlaceOut]


class LeaderboardOut(Schema):
    """The leaderboard of a version, one board for each protocol, the largest first."""

    model_config = example(version=7, boards=[])

    version: int
    boards: list[BoardOut]


@router.get("", response={200: ComparisonOut, **ERRORS}, operation_id="compare_runs", by_alias=True)
def compare(
    request: HttpRequest,
    runs: Annotated[str, Query(max_length=2500, description="ids with commas between, 100 at most, e.g. `142,131`")],
    columns: Annotated[str, Query(max_length=2000, description="names with commas between, e.g. `test.ndcg@10,method`")] = "",
    metric: Annotated[Metric, Query(description="what the significance is of")] = MAIN_METRIC,
    significant: Annotated[bool, Query(description="whether workers shall test the differences")] = True,
) -> dict[str, Any]:
    """Runs in classes of equal protocol, with metrics and intervals, and which differences are more than chance.

    Workers find that out once: while the ``state`` of a part of `significance` is waiting, ask again.
    """
    query = QueryDict(mutable=True)
    query.update({"runs": runs, "columns": columns, "metric": metric})
    chosen = Chosen.from_query(query)
    loaded = load_runs(user_of(request), chosen.runs, ("slices",))
    guarded = guard(loaded.runs)
    asked = significance.ask_about(guarded.classes, chosen.metric) if significant else []
    return {**as_values(guarded, chosen), "unknown": loaded.unknown, "significance": [_significance(one) for one in asked]}


@board_router.get("", response={200: LeaderboardOut, **ERRORS}, operation_id="get_leaderboard", by_alias=True)
def leaderboard(
    request: HttpRequest,
    version: Annotated[int, Query(ge=1, le=MOST_ID, description="id of a dataset version")],
    by: Annotated[Literal["method", "preset"], Query(description="a place for each method, or for each preset")] = "method",
) -> dict[str, Any]:
    """The methods on a version: of each the configuration that validation chose, ordered by its test."""
    found = get_version_for_user(user_of(request), version)
    made = []
    for board in boards(found):
        places = [
            {
                "place": place,
                "tried": tried,
                "hr": one.second,
                **{name: getattr(one, name) for name in PlaceOut.model_fields if name not in ("place", "tried", "hr")},
            }
            for place, (one, tried) in enumerate(ranked(board, by == "preset"), 1)
        ]
        about = {"class": board.name, "protocol": board.protocol, "users_evaluated": board.users, "apart": list(board.apart)}
        made.append({**about, "places": places})
    return {"version": found.pk, "boards": made}


def _significance(asked: significance.Asked) -> dict[str, Any]:
    answer = asked.row.answer
    state = "waiting" if asked.waiting else "failed" if "problem" in answer else "ready"
    names = tuple(PairOut.model_fields)
    return {
        "class": asked.one.name,
        "metric": asked.row.metric,
        "state": state,
        "reference": asked.reference.pk if asked.reference else None,
        "users": answer.get("users"),
        "pairs": [dict(zip(names, pair, strict=True)) for pair in answer.get("pairs", [])],
        "problem": str(answer.get("problem", "")),
        "without": answer.get("without", {}),
    }
