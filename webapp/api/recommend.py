"""Asking a trained run by REST: a history in, items out."""

from typing import Annotated, Any

from django.conf import settings
from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from webapp.accounts.models import Scope
from webapp.api.answers import ERRORS, PathId, Whole, example, user_of
from webapp.api.auth import TokenAuth
from webapp.experiments.access import get_run_for_user
from webapp.serving.asking import LONGEST_HISTORY, LONGEST_LIST, LONGEST_TEXT, ask_run, recommend_question, wait_for_answer
from webapp.serving.models import Ask, AskKind, AskState

router = Router(tags=["recommend"])
_LONGEST_WAIT = 10.0
"""Seconds; this wait listens to Postgres, on a connection of its own."""


class HistoryIn(Schema):
    """What somebody had, and how much to recommend."""

    model_config = example(history=["i1", "i7"], k=10)

    history: list[Annotated[str, Field(max_length=LONGEST_TEXT)]] = Field(
        min_length=1, max_length=LONGEST_HISTORY, description="ids of items as they stand in the data, oldest first"
    )
    k: Whole = Field(10, ge=1, le=LONGEST_LIST, description="number of items to recommend")


class ItemOut(Schema):
    """An item; titles are what people wrote."""

    model_config = example(id="i3", title="Comb")

    id: str
    title: str


class ScoredOut(ItemOut):
    """A recommended item; scores compare within one answer only."""

    model_config = example(id="i3", title="Comb", score=1.2)

    score: float | None = None


class AskOut(Schema):
    """A question to a run; ask `url` again until ``state`` is answered or failed."""

    model_config = example(
        id=9,
        state="answered",
        url="/api/v1/runs/142/recommend/9",
        history=[{"id": "i1", "title": "Soap"}],
        items=[{"id": "i3", "title": "Comb", "score": 1.2}],
        seen="remove",
        error="",
        hint="",
    )

    id: int
    state: str = Field(description="asked, answered or failed")
    url: str
    history: list[ItemOut]
    items: list[ScoredOut] = Field(description="best first")
    seen: str = Field(description="remove: items of the history are not recommended again; keep: they may be")
    error: str
    hint: str


@router.post(
    "/{run_id}/recommend", response={200: AskOut, 202: AskOut, **ERRORS}, operation_id="recommend", auth=TokenAuth(Scope.READ)
)
def recommend(request: HttpRequest, run_id: PathId, body: HistoryIn) -> "Status[dict[str, Any]]":
    """What the run recommends after a history. 202 with the address to ask again where that takes longer than 2 seconds.

    Every member may ask, so that a viewer can try a model; it changes nothing.
    """
    user = user_of(request)
    run = get_run_for_user(user, run_id)
    ask = ask_run(run, user, AskKind.RECOMMEND, recommend_question(body.history, body.k))
    wait_for_answer(ask, settings.SERVE_WAIT_SECONDS)
    return _answer(ask)


@router.get("/{run_id}/recommend/{ask_id}", response={200: AskOut, 202: AskOut, **ERRORS}, operation_id="get_recommendation")
def answer(
    request: HttpRequest,
    run_id: PathId,
    ask_id: PathId,
    wait: Annotated[float, Query(ge=0, le=_LONGEST_WAIT, description="seconds to wait for the answer")] = 0,
) -> "Status[dict[str, Any]]":
    """A question of yours, once more; 202 while it is not answered."""
    user = user_of(request)
    run = get_run_for_user(user, run_id)
    ask = Ask.objects.filter(pk=ask_id, run=run, asked_by=user, kind=AskKind.RECOMMEND).first()
    if ask is None:
        raise Http404("There is no such question of yours any more. Ask again.")
    if wait and ask.state == AskState.ASKED:
        wait_for_answer(ask, wait)
    return _answer(ask)


def _answer(ask: Ask) -> "Status[dict[str, Any]]":
    found = ask.answer
    values = {
        "id": ask.pk,
        "state": ask.state,
        "url": f"/api/v1/runs/{ask.run_id}/recommend/{ask.pk}",
        "history": found.get("history", []),
        "items": found.get("recommended", []),
        "seen": found.get("seen", ""),
        "error": ask.error,
        "hint": ask.hint,
    }
    return Status(202 if ask.state == AskState.ASKED else 200, values)
