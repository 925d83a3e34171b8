"""The current model of a dataset, by REST: ask it for recommendations."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.urls import reverse
from ninja import Router, Schema, Status
from pydantic import Field

from engine.errors import UserError
from webapp.accounts.models import Scope
from webapp.api.answers import ERRORS, PathId, Whole, example, user_of
from webapp.api.auth import TokenAuth
from webapp.api.errors import NotReadyError
from webapp.datasets.access import get_dataset_for_user
from webapp.delivering.display import measured
from webapp.delivering.models import Promotion
from webapp.delivering.promoting import current_of
from webapp.experiments.access import get_run_for_user
from webapp.experiments.models import Run
from webapp.serving.asking import LONGEST_HISTORY, LONGEST_LIST, ask_run, everything_question, recommend_question, wait_for_answer
from webapp.serving.models import Ask, AskKind, AskState

router = Router(tags=["datasets"])
_MODEL: dict[str, Any] = {
    "run": 142,
    "method": "sasrec",
    "version": 3,
    "refit_of": None,
    "protocol": {"split": "leave-one-out", "seen": "remove"},
    "metrics": {"ndcg@10": 0.0571},
    "url": "/runs/142",
}


class RecommendIn(Schema):
    """After which history: a list of item ids, or all that a user of the model's version did there."""

    model_config = example(history=["i12", "i7"], k=10)

    history: list[str] | None = Field(None, description=f"item ids, oldest first, {LONGEST_HISTORY} at most")
    user: str | None = Field(None, description="a user's id, in place of a history")
    k: Whole = Field(10, description=f"items, 1 to {LONGEST_LIST}")


class RecommendedOut(Schema):
    """One recommended item."""

    rank: int = Field(description="from 1")
    id: str
    title: str
    score: float | None = Field(description="comparable within one list only")
    seen: bool = Field(description="it is in the history")


class ModelOut(Schema):
    """The run that answers, and how it was measured."""

    model_config = example(**_MODEL)

    run: int
    method: str
    version: int = Field(description="number of the dataset's version that it was trained on")
    refit_of: int | None = Field(description="the run that it repeats on all interactions: metrics and protocol are that run's")
    protocol: dict[str, Any]
    metrics: dict[str, float] = Field(description="test metrics under this protocol")
    url: str


class RecommendOut(Schema):
    """An answer, or the address at which to ask for it."""

    model_config = example(
        state="answered",
        url="/api/v1/datasets/3/recommend/9",
        model=_MODEL,
        seen="remove",
        history=["i12", "i7"],
        recommended=[{"rank": 1, "id": "i3", "title": "Soap", "score": 1.25, "seen": False}],
    )

    state: str = Field(description="answered, or asked: then ask `url` again")
    url: str
    model: ModelOut
    seen: str = Field(description="remove or keep: what happened to items of the history; empty while there is no answer")
    history: list[str] = Field(description="the ids that were understood")
    recommended: list[RecommendedOut]


@router.post(
    "/{dataset_id}/recommend",
    response={200: RecommendOut, 202: RecommendOut, **ERRORS},
    operation_id="recommend_by_dataset",
    auth=TokenAuth(Scope.READ),
)
def recommend(request: HttpRequest, dataset_id: PathId, body: RecommendIn) -> "Status[dict[str, Any]]":
    """What the dataset's current model recommends; 202 if it takes more than two seconds; 409 where no run is promoted."""
    user = user_of(request)
    dataset = get_dataset_for_user(user, dataset_id)
    current = current_of(dataset)
    if current is None or current.run is None:
        hint = "A curator makes a run the current model on its page."
        raise NotReadyError(f"{dataset} has no current model.", hint)
    if (body.history is None) == (body.user is None):
        raise UserError("Send either history or user.", "history is a list of item ids, user an id of the data.")
    if body.user is not None:
        question = everything_question(body.user, body.k)
    elif body.history:
        question = recommend_question(body.history, body.k)
    else:
        raise UserError("The history is empty.", "Send at least one item id.")
    # As all who ask a run: its version is needed whole.
    ask = ask_run(get_run_for_user(user, current.run.pk), user, AskKind.RECOMMEND, question)
    wait_for_answer(ask, settings.SERVE_WAIT_SECONDS)
    return _answer(dataset_id, ask, current.run)


@router.get(
    "/{dataset_id}/recommend/{ask_id}",
    response={200: RecommendOut, 202: RecommendOut, **ERRORS},
    operation_id="get_dataset_recommendation",
    url_name="recommendation",
)
def recommendation(request: HttpRequest, dataset_id: PathId, ask_id: PathId) -> "Status[dict[str, Any]]":
    """The answer to a question of yours, once it is there. Questions are forgotten after a day."""
    user = user_of(request)
    dataset = get_dataset_for_user(user, dataset_id)
    asked = Ask.objects.filter(pk=ask_id, asked_by=user, kind=AskKind.RECOMMEND, run__version__dataset=dataset)
    ask = asked.select_related("run__version", "run__refits").first()
    if ask is None:
        raise Http404("There is no such question, or it is not yours.")
    wait_for_answer(ask, settings.SERVE_WAIT_SECONDS)
    return _answer(dataset_id, ask, ask.run)


@router.get("/{dataset_id}/model", response={200: ModelOut, **ERRORS}, operation_id="get_current_model")
def currentmodel_out(request: HttpRequest, dataset_id: PathId) -> "Status[dict[str, Any]]":
    """The dataset's current model; 409 where no run is promoted."""
    dataset = get_dataset_for_user(user_of(request), dataset_id)
    current: Promotion | None = current_of(dataset)
    if current is None or current.run is None:
        hint = "A curator makes a run the current model on its page."
        raise NotReadyError(f"{dataset} has no current model.", hint)
    return Status(200, model_out(current.run))


def _answer(dataset: int, ask: Ask, run: Run) -> "Status[dict[str, Any]]":
    if ask.state == AskState.FAILED:
        raise UserError(ask.error, ask.hint)
    done = ask.state == AskState.ANSWERED
    answer = ask.answer if done else {}
    lines = enumerate(answer.get("recommended", []), 1)
    values = {
        "state": ask.state,
        "url": reverse("api:recommendation", args=[dataset, ask.pk]),
        "model": model_out(run),
        "seen": answer.get("seen", ""),
        "history": [line["id"] for line in answer.get("history", [])],
        "recommended": [{"rank": rank, **line} for rank, line in lines],
    }
    return Status(200 if done else 202, values)


def model_out(run: Run) -> dict[str, Any]:
    """A run as the model of its dataset."""
    quoted = measured(run)
    return {
        "run": run.pk,
        "method": run.method,
        "version": run.version.number,
        "refit_of": run.refits_id,
        "protocol": quoted.protocol,
        "metrics": quoted.test,
        "url": f"/runs/{run.pk}",
    }
