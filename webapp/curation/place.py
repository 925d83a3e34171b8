"""What all pages of curating a version share: who may, whether its items are there, and the frame around."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from webapp.accounts.access import enter_project
from webapp.accounts.models import Role
from webapp.curation.drafts import open_draft
from webapp.curation.models import CatalogueItem, Draft
from webapp.datasets.access import get_numbered_version_for_user
from webapp.datasets.asking import ask_about, last_question
from webapp.datasets.models import QuestionKind, QuestionState, Version, VersionState
from webapp.http import PageRequest, living_part, page, wants_part

_TEMPLATE = "curation/start.html"


def get_curated_version(request: PageRequest, dataset: int, number: int) -> Version:
    """The version, for its curators: 404 to strangers, PermissionDenied to others of the project."""
    version = get_numbered_version_for_user(request.user, dataset, number)
    enter_project(request, version.dataset.project).require(Role.CURATOR)
    return version


def has_items(version: Version) -> bool:
    """Whether a worker has copied the version's items, so that they can be searched."""
    return CatalogueItem.objects.filter(version=version).exists()


def frame(version: Version, draft: Draft | None, tab: str) -> dict[str, Any]:
    """The context of a page about ``version``; ``tab`` is the one that is open."""
    edits = draft.number_of_edits if draft else 0  # type: ignore[attr-defined]
    return {"version": version, "draft": draft, "number_of_edits": edits, "tab": tab, "section": "datasets"}


@page
@require_http_methods(["GET", "POST"])
def start(request: PageRequest, dataset: int, number: int) -> HttpResponse:
    """Before the first edit a worker lists the items; POST asks for it, and the page follows until they are there."""
    version = get_curated_version(request, dataset, number)
    if version.state != VersionState.READY:
        return redirect("version", dataset=dataset, number=number)
    question = last_question(version, QuestionKind.ITEMS)
    there = has_items(version)
    if request.method == "POST":
        if not there:
            ask_about(version, request.user, QuestionKind.ITEMS)
        return redirect("curate-start", dataset=dataset, number=number)
    waiting = question is not None and question.state == QuestionState.ASKED and not there
    context = {
        **frame(version, open_draft(version), ""),
        "there": there,
        "waiting": waiting,
        "failed": question if question and question.state == QuestionState.FAILED else None,
    }
    if wants_part(request):
        return living_part(request, _TEMPLATE, context, polling=waiting)
    return redirect("curate", dataset=dataset, number=number) if there else render(request, _TEMPLATE, context)
