"""Searches by REST: launch them, watch their trials, and what people do with them."""

from typing import Annotated, Any

from django.http import Http404, HttpRequest
from ninja import Query, Router, Status

from engine.errors import SpecError
from engine.search.plan import SearchPlan
from engine.search.presets import search_presets
from engine.spec import override, validate
from webapp.accounts.access import get_project_for_user, require_role
from webapp.accounts.models import Role
from webapp.api.answers import ERRORS, MOST_ID, Cursor, Limit, PathId, Seen, Wait, page_of, user_of, waited
from webapp.api.idempotency import idempotent
from webapp.api.run_schemas import RunOut, run_out
from webapp.api.search_schemas import (
    CloneSearchIn,
    MoreTrials,
    SearchIn,
    SearchOut,
    SearchPage,
    TrialPage,
    WinnerOut,
    search_line,
    search_out,
    trial_out,
)
from webapp.api.watch import SEARCHES
from webapp.datasets.access import get_version_for_user
from webapp.experiments.access import get_run_for_user
from webapp.keyset import Order
from webapp.searches.access import get_search_for_user, searches_for_user
from webapp.searches.actions import cancel_search, extend_search, pause_search, resume_search
from webapp.searches.board import load, settings
from webapp.searches.form import HIDDEN
from webapp.searches.launching import launch_best, launch_search
from webapp.searches.listing import with_counts
from webapp.searches.models import Search, SearchState

router = Router(tags=["searches"])


@router.get("", response={200: SearchPage, **ERRORS}, operation_id="list_searches")
def list_searches(
    request: HttpRequest,
    project: Annotated[int | None, Query(ge=1, le=MOST_ID, description="only of this project; empty: of all of yours")] = None,
    state: Annotated[SearchState | None, Query(description="only in this state")] = None,
    version: Annotated[int | None, Query(ge=1, le=MOST_ID, description="only on this dataset version")] = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Searches of your projects, newest first."""
    user = user_of(request)
    found = searches_for_user(user)
    if project is not None:
        found = found.filter(project=get_project_for_user(user, project))
    if state is not None:
        found = found.filter(state=state)
    if version is not None:
        found = found.filter(version=get_version_for_user(user, version))
    page = page_of(with_counts(found), limit, cursor)
    return {"items": [search_line(search) for search in page.rows], "next": page.next}


@router.post("", response={201: SearchOut, **ERRORS}, operation_id="launch_search")
@idempotent
def launch(request: HttpRequest, body: SearchIn) -> "Status[SearchOut]":
    """Launch a search of a preset, with your settings on top. Needs the role researcher; serious leaks must be acknowledged."""
    user = user_of(request)
    version = get_version_for_user(user, body.version)
    require_role(user, version.dataset.project, Role.RESEARCHER)
    _refuse_hidden(body.settings)
    plan = search_presets().get(body.preset).plan(body.settings)
    search = launch_search(
        version.dataset.project, version, user, plan, at_once=body.at_once, acknowledge_leakage=body.acknowledge_leakage
    )
    return Status(201, _again(request, search))


@router.post("/{search_id}/clone", response={201: SearchOut, **ERRORS}, operation_id="clone_search")
@idempotent
def clone(request: HttpRequest, search_id: PathId, body: CloneSearchIn) -> "Status[SearchOut]":
    """Launch a search with this one's plan, and your settings on top. Needs the role researcher in the version's project."""
    user = user_of(request)
    search = get_search_for_user(user, search_id)
    version = get_version_for_user(user, body.version if body.version is not None else search.version_id)
    project = version.dataset.project
    require_role(user, project, Role.RESEARCHER)
    _refuse_hidden(body.settings)
    plan = validate(SearchPlan, override(search.plan, body.settings))
    at_once = search.at_once if body.at_once is None else body.at_once
    copy = launch_search(project, version, user, plan, at_once=at_once, acknowledge_leakage=body.acknowledge_leakage)
    return Status(201, _again(request, copy))


@router.get("/{search_id}", response={200: SearchOut, **ERRORS}, operation_id="get_search")
def get_search(request: HttpRequest, search_id: PathId, wait: Wait = 0, seen: Seen = "") -> Any:
    """One search: its plan, how far it is, and the answer at the end.

    With `wait` it is answered once the search or one of its trials has changed since `seen`, once it has ended, or after so many
    seconds.
    """
    user = user_of(request)
    return waited(request, SEARCHES, search_id, wait, seen, lambda: search_out(get_search_for_user(user, search_id)))


@router.get("/{search_id}/trials", response={200: TrialPage, **ERRORS}, operation_id="list_trials")
def trials(request: HttpRequest, search_id: PathId, limit: Limit = 50, cursor: Cursor = "") -> dict[str, Any]:
    """The trials as they were launched, the first one first; those of the final comparison come last."""
    search = get_search_for_user(user_of(request), search_id)
    page = page_of(search.trials.all(), limit, cursor, Order(None, descending=False))
    return {"items": [trial_out(trial) for trial in page.rows], "next": page.next}


@router.post("/{search_id}/pause", response={200: SearchOut, **ERRORS}, operation_id="pause_search")
def pause(request: HttpRequest, search_id: PathId) -> SearchOut:
    """Start no new trials; those that are launched already come to their end. Needs the role researcher."""
    search = get_search_for_user(user_of(request), search_id)
    pause_search(search, user_of(request))
    return _again(request, search)


@router.post("/{search_id}/resume", response={200: SearchOut, **ERRORS}, operation_id="resume_search")
def resume(request: HttpRequest, search_id: PathId) -> SearchOut:
    """Go on with a search that was paused or has failed. Needs the role researcher."""
    search = get_search_for_user(user_of(request), search_id)
    resume_search(search, user_of(request))
    return _again(request, search)


@router.post("/{search_id}/cancel", response={200: SearchOut, **ERRORS}, operation_id="cancel_search")
def cancel(request: HttpRequest, search_id: PathId) -> SearchOut:
    """End the search for good; its running trials stop at their next checkpoint. Needs the role researcher."""
    search = get_search_for_user(user_of(request), search_id)
    cancel_search(search, user_of(request))
    return _again(request, search)


@router.post("/{search_id}/extend", response={200: SearchOut, **ERRORS}, operation_id="extend_search")
def extend(request: HttpRequest, search_id: PathId, body: MoreTrials) -> SearchOut:
    """Add trials to the plan, also after the end. Needs the role researcher."""
    search = get_search_for_user(user_of(request), search_id)
    extend_search(search, user_of(request), body.trials)
    return _again(request, search)


@router.post("/{search_id}/launch-best", response={201: RunOut, **ERRORS}, operation_id="launch_best")
@idempotent
def best(request: HttpRequest, search_id: PathId) -> "Status[RunOut]":
    """Train the winner in full, or the best so far where there is none yet. Needs the role researcher."""
    user = user_of(request)
    run, _ = launch_best(get_search_for_user(user, search_id), user)
    return Status(201, run_out(get_run_for_user(user, run.pk)))


@router.get("/{search_id}/architecture", response={200: WinnerOut, **ERRORS}, operation_id="get_winner")
def architecture(request: HttpRequest, search_id: PathId) -> dict[str, Any]:
    """The architecture of the winner, or of the best trial so far (`decided` says which); 404 before any has a value."""
    board = load(get_search_for_user(user_of(request), search_id))
    row = board.winner or board.best
    if row is None:
        raise Http404(f"No trial of {board.search} has ended with a value yet.")
    choices = row.read_candidate().architecture
    layers = [{"layer": layer, "kind": one.kind, "target": one.target, "rank": one.rank} for layer, one in enumerate(choices)]
    about = {"trial": row.number, "run": row.run_id, "value": row.value, "parameters": row.parameters}
    return {**about, "decided": board.winner is not None, "layers": layers, "settings": settings(row)}


def _refuse_hidden(chosen: dict[str, Any]) -> None:
    own = [path for path in chosen if path in HIDDEN]
    if own:
        raise SpecError([(f"settings.{path}", "the search sets this itself") for path in own], "Leave it out.")


def _again(request: HttpRequest, search: Search) -> SearchOut:
    return search_out(get_search_for_user(user_of(request), search.pk))
