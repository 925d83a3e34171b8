"""What follows a dataset's current model, by REST: back to the one before, or the same trained on newer data."""

import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from webapp.accounts.models import Scope
from webapp.api.answers import ERRORS, Flag, PathId, example, user_of
from webapp.api.auth import TokenAuth
from webapp.api.delivering import ModelOut, model_out
from webapp.api.errors import NotReadyError
from webapp.api.idempotency import idempotent
from webapp.datasets.access import get_dataset_for_user
from webapp.delivering.models import Refresh
from webapp.delivering.promoting import current_of, return_to_former
from webapp.delivering.refreshing import candidate, goes_on, is_done, refresh_of, start_refresh

router = Router(tags=["datasets"])


class RefreshIn(Schema):
    """What is known of the newer version."""

    model_config = example(acknowledge_leakage=False)

    acknowledge_leakage: Flag = Field(
        False, description="true: you know the serious findings of the newest version's leakage report"
    )


class RefreshOut(Schema):
    """The current model's settings, trained on a newer version."""

    model_config = example(
        replaces=142,
        version=4,
        run=150,
        refit=None,
        with_refit=False,
        candidate=150,
        state="running",
        done=False,
        active=True,
        error="",
        hint="",
        asked_at="2026-11-26T10:00:00Z",
        url="/datasets/3/model",
    )

    replaces: int = Field(description="the run that is the current model")
    version: int = Field(description="number of the newer version")
    run: int = Field(description="trained with the same settings on that version: its metrics are what to look at")
    refit: int | None = Field(description="its refit on all interactions; empty until the run has succeeded, or without one")
    with_refit: bool = Field(description="the current model is a refit: this one is refitted too")
    candidate: int = Field(description="once all is done, what to promote: `POST /api/v1/runs/{candidate}/promote`")
    state: str = Field(description="of the candidate")
    done: bool = Field(description="all is trained: compare, then promote, or not")
    active: bool = Field(description="something is being trained, or waits for it")
    error: str
    hint: str
    asked_at: datetime.datetime
    url: str = Field(description="the page that shows both side by side")


@router.post(
    "/{dataset_id}/model/return",
    response={200: ModelOut, **ERRORS},
    operation_id="return_to_former_model",
    auth=TokenAuth(Scope.CURATE),
)
@idempotent
def go_back(request: HttpRequest, dataset_id: PathId) -> "Status[dict[str, Any]]":
    """Make the model before the current one current again. Needs the role curator.

    Sent once more it goes back to the one that was left: send an `Idempotency-Key`.
    """
    user = user_of(request)
    dataset = get_dataset_for_user(user, dataset_id)
    return_to_former(dataset, user)
    current = current_of(dataset)
    if current is None or current.run is None:
        raise NotReadyError(f"{dataset} has no current model.", "Its run was deleted in this moment: promote another run.")
    return Status(200, model_out(current.run))


@router.post("/{dataset_id}/model/refresh", response={201: RefreshOut, **ERRORS}, operation_id="refresh_model")
@idempotent
def refresh(request: HttpRequest, dataset_id: PathId, body: RefreshIn) -> "Status[dict[str, Any]]":
    """Train the current model's settings on the newest version. Needs the role researcher; nothing is promoted by itself.

    One that is at work or done is given as it is; one that failed is begun anew.
    """
    user = user_of(request)
    dataset = get_dataset_for_user(user, dataset_id)
    return Status(201, refresh_out(start_refresh(dataset, user, acknowledge_leakage=body.acknowledge_leakage)))


@router.get("/{dataset_id}/model/refresh", response={200: RefreshOut, **ERRORS}, operation_id="get_model_refresh")
def present(request: HttpRequest, dataset_id: PathId) -> dict[str, Any]:
    """How far the current model's successor is; 409 where none was asked for. To wait for it, wait for its run."""
    dataset = get_dataset_for_user(user_of(request), dataset_id)
    current = current_of(dataset)
    found = refresh_of(current) if current is not None else None
    if found is None:
        raise NotReadyError(f"Nothing is to replace the model of {dataset}.", "Ask for it once there is a newer version.")
    return refresh_out(found)


def refresh_out(refresh: Refresh) -> dict[str, Any]:
    """One refresh."""
    made = candidate(refresh)
    return {
        "replaces": refresh.replaces.run_number,
        "version": refresh.version.number,
        "run": refresh.run_id,
        "refit": refresh.refit_id,
        "with_refit": refresh.with_refit,
        "candidate": made.pk,
        "state": made.state,
        "done": is_done(refresh),
        "active": goes_on(refresh),
        "error": made.error,
        "hint": made.hint,
        "asked_at": refresh.asked_at,
        "url": f"/datasets/{refresh.version.dataset_id}/model",
    }
