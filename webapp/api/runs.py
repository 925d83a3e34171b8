"""Runs by REST: list, launch, look at one, and what people do with it. What it reported is in run_reports.py."""

from typing import Annotated, Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, QueryDict
from ninja import Query, Router, Status

from engine.errors import SpecError, UserError
from engine.presets import get_preset
from engine.spec import RunSpec, override, parse_spec
from webapp.accounts.access import get_project_for_user, require_role
from webapp.accounts.models import Role
from webapp.api.answers import ERRORS, MOST_ID, Cursor, Limit, PathId, Seen, Wait, page_of, user_of
from webapp.api.auth import bearer_of
from webapp.api.idempotency import idempotent
from webapp.api.run_schemas import CloneIn, ExtendIn, MarksIn, RunIn, RunOut, RunPage, run_line, run_out
from webapp.api.told import answer, look_at, look_of, tell
from webapp.datasets.access import get_version_for_user
from webapp.datasets.models import HEAVY_OF_VERSION
from webapp.experiments.access import get_run_for_user
from webapp.experiments.actions import launch_run, request_cancel
from webapp.experiments.bulk import change_many
from webapp.experiments.choosing import spec_to_clone
from webapp.experiments.fields import find_field
from webapp.experiments.listing import Listing
from webapp.experiments.marks import change_notes, notes_stamp, set_star, set_tags
from webapp.experiments.models import Run, RunStar
from webapp.experiments.resuming import extend_run, resume_run

router = Router(tags=["runs"])
_HEAVY = ("spec", "progress", "data", "valid", "slices", "intervals", "mask", "warnings", "curve", "curve_at", "notes")


@router.get("", response={200: RunPage, **ERRORS}, operation_id="list_runs")
def list_runs(
    request: HttpRequest,
    project: Annotated[int | None, Query(ge=1, le=MOST_ID, description="only of this project; empty: of all of yours")] = None,
    state: Annotated[str, Query(description="a state, or active, or ended")] = "",
    method: Annotated[str, Query(description="id of a method, e.g. sasrec")] = "",
    where: Annotated[
        list[str],
        Query(max_length=20, description="conditions as on the page of runs, e.g. `training.seed = 3`, `test.ndcg@10 > .05`"),
    ] = [],  # noqa: B006 - ninja makes a new one for each request
    tag: Annotated[str, Query(description="only runs with this tag")] = "",
    q: Annotated[str, Query(max_length=200, description="words in number, notes or tags")] = "",
    sort: Annotated[str, Query(description="a field, after a hyphen if the largest come first, e.g. `-test.ndcg@10`")] = "-id",
    trials: Annotated[bool, Query(description="trials of searches too")] = False,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Runs of your projects, newest first, with the filters of the page of runs; archived ones only if `where` asks for them."""
    user = user_of(request)
    place = get_project_for_user(user, project) if project is not None else None
    listing = _listing(state, method, [*where, *([f"tag = {tag}"] if tag else [])], q, sort, trials)
    order = find_field(listing.sort.removeprefix("-")).order(descending=listing.sort.startswith("-"))
    starred = Exists(RunStar.objects.filter(run=OuterRef("pk"), user=user))
    found = listing.query(place, user).annotate(starred=starred).select_related("version__dataset")
    page = page_of(found.defer(*_HEAVY, *HEAVY_OF_VERSION), limit, cursor, order)
    return {"count": listing.count(place, user), "items": [run_line(run) for run in page.rows], "next": page.next}


@router.get("/{run_id}", response={200: RunOut, **ERRORS}, operation_id="get_run")
def get_run(request: HttpRequest, run_id: PathId, wait: Wait = 0, seen: Seen = "") -> Any:
    """One run: state, progress, and, once it has succeeded, metrics with their protocol, layers and samples.

    With `wait` it is answered once the state or the progress has changed since `seen`, once the run has ended, or after so
    many seconds. There is a stream of all events too: `/runs/{run_id}/stream`.
    """
    bearer = bearer_of(request)
    # A larger number is no row's, and the database refuses it.
    look = look_of(request, run_id) if abs(run_id) <= MOST_ID else None
    if look is None:
        raise Http404("There is no such run, or it is not yours.")
    return answer(request, look, tell(look), wait, seen, lambda: look_at(bearer, run_id))


@router.post("", response={201: RunOut, **ERRORS}, operation_id="launch_run")
@idempotent
def launch(request: HttpRequest, body: RunIn) -> "Status[RunOut]":
    """Launch a run of a preset, with your settings on top. Needs the role researcher; serious leaks must be acknowledged."""
    user = user_of(request)
    version = get_version_for_user(user, body.version)
    require_role(user, version.dataset.project, Role.RESEARCHER)
    run = launch_run(version, user, get_preset(body.preset).spec(body.settings), acknowledge_leakage=body.acknowledge_leakage)
    return Status(201, run_out(run))


@router.patch("/{run_id}", response={200: RunOut, **ERRORS}, operation_id="mark_run")
@transaction.atomic
def mark(request: HttpRequest, run_id: PathId, body: MarksIn) -> RunOut:
    """Change tags, notes, star or archive of a run: all that is named, or nothing. All but the star needs the role researcher."""
    user = user_of(request)
    run = get_run_for_user(user, run_id)
    if body.starred is not None:
        set_star(Run.objects.filter(pk=run.pk), user, starred=body.starred)
    if body.tags is not None:
        set_tags(run, user, body.tags)
    if body.notes is not None:
        change_notes(run, user, body.notes, notes_stamp(run.notes))
    if body.archived is not None and body.archived != (run.archived_at is not None):
        outcome = change_many(run.project, user, "archive" if body.archived else "unarchive", [run.pk])
        if not outcome.done:
            raise UserError(outcome.reasons[0], "Wait until it has ended, or cancel it.")
    elif body.archived is not None:
        require_role(user, run.project, Role.RESEARCHER)
    return run_out(get_run_for_user(user, run_id))


@router.post("/{run_id}/cancel", response={200: RunOut, **ERRORS}, operation_id="cancel_run")
def cancel(request: HttpRequest, run_id: PathId) -> RunOut:
    """Ask a run to stop: at once while it is queued, else at its next checkpoint. Needs the role researcher."""
    user = user_of(request)
    run = get_run_for_user(user, run_id)
    require_role(user, run.project, Role.RESEARCHER)
    request_cancel(run)
    return run_out(run)


@router.post("/{run_id}/resume", response={200: RunOut, **ERRORS}, operation_id="resume_run")
def resume(request: HttpRequest, run_id: PathId) -> RunOut:
    """Queue a run that was cancelled, failed or lost again: it goes on at its last checkpoint. Needs the role researcher."""
    user = user_of(request)
    run = get_run_for_user(user, run_id)
    resume_run(run, user)
    return run_out(run)


@router.post("/{run_id}/extend", response={201: RunOut, **ERRORS}, operation_id="extend_run")
@idempotent
def extend(request: HttpRequest, run_id: PathId, body: ExtendIn) -> "Status[RunOut]":
    """A new run that goes on where this one ended, with larger limits; asked twice, it is the same run. Needs a researcher."""
    user = user_of(request)
    run = get_run_for_user(user, run_id)
    longer = extend_run(run, user, body.model_dump(exclude_unset=True))
    return Status(201, run_out(get_run_for_user(user, longer.pk)))


@router.post("/{run_id}/clone", response={201: RunOut, **ERRORS}, operation_id="clone_run")
@idempotent
def clone(request: HttpRequest, run_id: PathId, body: CloneIn) -> "Status[RunOut]":
    """Launch a run with this one's settings, and yours on top; of a search's trial, the full training. Needs a researcher."""
    user = user_of(request)
    run = get_run_for_user(user, run_id)
    version = get_version_for_user(user, body.version if body.version is not None else run.version_id)
    require_role(user, version.dataset.project, Role.RESEARCHER)
    spec = _with(spec_to_clone(run), body.settings)
    copy = launch_run(version, user, spec, acknowledge_leakage=body.acknowledge_leakage)
    return Status(201, run_out(get_run_for_user(user, copy.pk)))


def _with(spec: RunSpec, settings: dict[str, Any]) -> RunSpec:
    return parse_spec(override(spec.model_dump(mode="json"), settings))


def _listing(state: str, method: str, where: list[str], q: str, sort: str, trials: bool) -> Listing:
    """As the page reads its address; raises SpecError that names every part which makes no sense."""
    texts = {"state": state, "method": method, "q": q, "sort": sort}
    empty = [name for name, text in (*texts.items(), *(("where", text) for text in where)) if "\x00" in text]
    if empty:
        raise SpecError([(name, "a NUL character stands in no text") for name in empty], "Leave it out.")
    query = QueryDict(mutable=True)
    query.update({**texts, "trials": "1" if trials else ""})
    query.setlist("where", where)
    listing = Listing.from_query(query)
    if listing.problems:
        found = [(problem.name, problem.message) for problem in listing.problems]
        raise SpecError(found, " ".join(dict.fromkeys(problem.hint for problem in listing.problems if problem.hint)))
    return listing
