"""Stars, tags and notes on the page of a run, and the page that edits notes."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html_join
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from engine.errors import UserError
from webapp.accounts.access import enter_project, get_place, require_role
from webapp.accounts.models import Role
from webapp.experiments.access import get_run_for_user
from webapp.experiments.display import is_active
from webapp.experiments.marks import change_notes, change_tags, clean_notes, notes_stamp, set_star, tags_of
from webapp.experiments.models import LONGEST_NOTES, LONGEST_TAG, Run
from webapp.http import PageRequest, page, wants_part
from webapp.markdown import render_markdown


def marks(run: Run) -> dict[str, Any]:
    """What the part experiments/run/notes.html shows, beside the run, of ``get_run_for_user``."""
    return {
        "notes": render_markdown(run.notes) if run.notes else "",
        "longest_tag": LONGEST_TAG,
    }


@page
@require_GET
def tag_suggestions(request: PageRequest) -> HttpResponse:
    """The tags of the project, asked for when somebody is about to type one."""
    tags = tags_of(get_place(request).project)
    return HttpResponse(format_html_join("", '<option value="{}">', ((tag,) for tag in tags)))


@page
@require_POST
def change_marks(request: PageRequest, pk: int) -> HttpResponse:
    """Star, unstar, tag, untag, archive or take out of the archive."""
    run = get_run_for_user(request.user, pk)
    action, tag = request.POST.get("action", ""), request.POST.get("tag", "").replace("\x00", "")
    try:
        if action in ("star", "unstar"):
            set_star(Run.objects.filter(pk=run.pk), request.user, starred=action == "star")
        elif action == "tag":
            if not tag.strip():
                raise UserError("A tag needs a name.", "Write a word or two.")
            change_tags(run, request.user, add=tag)
        elif action == "untag":
            change_tags(run, request.user, remove=tag)
        elif action in ("archive", "unarchive"):
            _archive(request, run, archived=action == "archive")
        else:
            raise UserError(f"There is no action {action[:40]!r}.", "Use the buttons of the page.")
    except UserError as error:
        messages.warning(request, str(error))
    return redirect("run", pk=run.pk)


@page
@require_http_methods(["GET", "POST"])
def notes_page(request: PageRequest, pk: int) -> HttpResponse:
    """Edit the notes of a run, with a preview; htmx asks for the preview alone."""
    run = get_run_for_user(request.user, pk)
    enter_project(request, run.project)
    require_role(request.user, run.project, Role.RESEARCHER)
    typed = request.POST.get("notes", run.notes) if request.method == "POST" else run.notes
    seen = request.POST.get("seen", "")[:32] or notes_stamp(run.notes)
    problem: UserError | None = None
    try:
        typed = clean_notes(typed)
        if request.method == "POST" and not request.POST.get("preview"):
            change_notes(run, request.user, typed, seen)
            messages.success(request, f"The notes of {run} are saved.")
            return redirect("run", pk=run.pk)
    except UserError as error:
        # What was typed stays in the form, and saving again is meant.
        run.refresh_from_db(fields=["notes"])
        problem, seen = error, notes_stamp(run.notes)
    preview = render_markdown(typed[:LONGEST_NOTES])
    if wants_part(request):
        return HttpResponse(preview)
    context = {
        "run": run,
        "typed": typed,
        "preview": preview,
        "problem": problem,
        "theirs": render_markdown(run.notes) if problem else "",
        "seen": seen,
        "longest_notes": LONGEST_NOTES,
        "section": "runs",
    }
    return render(request, "experiments/notes.html", context, status=422 if problem else 200)


def _archive(request: PageRequest, run: Run, *, archived: bool) -> None:
    require_role(request.user, run.project, Role.RESEARCHER)
    if archived and is_active(run):
        raise UserError(f"{run} is still active.", "Archive it when it has ended.")
    Run.objects.filter(pk=run.pk).update(archived_at=timezone.now() if archived else None)
    messages.success(request, f"{run} is {'archived: lists leave it out' if archived else 'back in the lists'}.")
