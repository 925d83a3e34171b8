"""The review queue, a step of a review, and the data card."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from engine.errors import UserError
from webapp.accounts.access import enter_project, get_place, require_role
from webapp.accounts.models import Role
from webapp.curation.cards import edit_card
from webapp.curation.forms import CardForm
from webapp.curation.review import review_version, role_for
from webapp.datasets.access import get_dataset_for_user, get_numbered_version_for_user
from webapp.datasets.display import version_row
from webapp.datasets.models import HEAVY, Review, Version
from webapp.display import moment
from webapp.http import PageRequest, page


@page
@require_GET
def queue(request: PageRequest) -> HttpResponse:
    """The project's versions that wait for a review, the one that waits longest first."""
    place = get_place(request)
    require_role(request.user, place.project, Role.CURATOR)
    waiting = Version.objects.filter(dataset__project=place.project, review=Review.SUBMITTED)
    waiting = waiting.select_related("dataset", "reviewed_by").defer(*HEAVY).order_by("reviewed_at")
    rows = [
        {
            **version_row(version),
            "by": version.reviewed_by.username if version.reviewed_by else "",
            "at": moment(version.reviewed_at),
            "reason": version.review_reason,
        }
        for version in waiting
    ]
    return render(request, "curation/queue.html", {"rows": rows, "section": "datasets"})


@page
@require_POST
def review(request: PageRequest, dataset: int, number: int) -> HttpResponse:
    """Take the posted step of the version's review."""
    version = get_numbered_version_for_user(request.user, dataset, number)
    wanted = request.POST.get("review", "")
    if wanted not in Review.values:
        raise Http404("There is no such step.")
    step = Review(wanted)
    try:
        require_role(request.user, version.dataset.project, role_for(version, step))
        review_version(version, request.user, step, request.POST.get("reason", "").replace("\x00", ""))
        messages.success(request, f"{version} is {step.label}.")
    except UserError as error:
        messages.error(request, str(error))
    return redirect("version", dataset=dataset, number=number)


@page
@require_http_methods(["GET", "POST"])
def card(request: PageRequest, pk: int) -> HttpResponse:
    """Edit the data card of a dataset."""
    dataset = get_dataset_for_user(request.user, pk)
    enter_project(request, dataset.project)
    require_role(request.user, dataset.project, Role.CURATOR)
    form = CardForm(request.POST or None, instance=dataset)
    if request.method == "POST" and form.is_valid():
        edit_card(dataset, request.user, form.cleaned_data)
        return redirect("dataset", pk=pk)
    context = {"dataset": dataset, "form": form, "section": "datasets"}
    return render(request, "curation/card.html", context, status=422 if form.is_bound else 200)
