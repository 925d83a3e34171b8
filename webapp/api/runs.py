"""Runs by REST."""

from typing import Annotated, Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja import Query, Router, Status

from engine.methods import METHODS
from engine.presets import get_preset
from webapp.accounts.access import require_role
from webapp.accounts.models import Role
from webapp.api.idempotency import idempotent
from webapp.api.schemas import ErrorOut, RunIn, RunOut, RunPage, run_line, run_out
from webapp.datasets.access import get_version_for_user
from webapp.datasets.models import HEAVY_OF_VERSION
from webapp.experiments.access import get_run_for_user, runs_for_user
from webapp.experiments.actions import launch_run, request_cancel
from webapp.experiments.models import RunState

router = Router(tags=["runs"])
_ERRORS: dict[int, Any] = {401: ErrorOut, 403: ErrorOut, 404: ErrorOut, 422: ErrorOut, 500: ErrorOut}
_HEAVY = ("spec", "progress", "data", "valid", "slices", "intervals", "mask", "warnings", *HEAVY_OF_VERSION)


@router.get("", response={200: RunPage, **_ERRORS}, operation_id="list_runs")
def list_runs(
    request: HttpRequest,
    state: RunState | None = None,
    method: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> dict[str, Any]:
    """Runs of all your projects, newest first."""
    runs = runs_for_user(user_of(request)).select_related("version__dataset").defer(*_HEAVY).order_by("-id")
    if state is not None:
        runs = runs.filter(state=state)
    if method is not None:
        runs = runs.filter(method=METHODS.get(method).id)
    return {"count": runs.count(), "items": [run_line(run) for run in runs[offset : offset + limit]]}


@router.get("/{run_id}", response={200: RunOut, **_ERRORS}, operation_id="get_run")
def get_run(request: HttpRequest, run_id: int) -> dict[str, Any]:
    """One run: state, progress, and, once it has succeeded, metrics with their protocol, layers and samples."""
    return run_out(get_run_for_user(user_of(request), run_id))


@router.post("", response={201: RunOut, **_ERRORS}, operation_id="launch_run")
@idempotent
def launch(request: HttpRequest, body: RunIn) -> "Status[dict[str, Any]]":
    """Launch a run of a preset, with your settings on top. Needs the role researcher; serious leaks must be acknowledged."""
    user = user_of(request)
    version = get_version_for_user(user, body.version)
    require_role(user, version.dataset.project, Role.RESEARCHER)
    run = launch_run(version, user, get_preset(body.preset).spec(body.settings), acknowledge_leakage=body.acknowledge_leakage)
    return Status(201, run_out(run))


@router.post("/{run_id}/cancel", response={200: RunOut, **_ERRORS}, operation_id="cancel_run")
def cancel(request: HttpRequest, run_id: int) -> dict[str, Any]:
    """Ask a run to stop: at once while it is queued, else at its next checkpoint. Needs the role researcher."""
    user = user_of(request)
    run = get_run_for_user(user, run_id)
    require_role(user, run.project, Role.RESEARCHER)
    request_cancel(run)
    return run_out(run)


def user_of(request: HttpRequest) -> User:
    """Whose token the request bears."""
    # The bearer check has put the token's user there; nobody else reaches these functions.
    assert isinstance(request.user, User)  # noqa: S101
    return request.user
