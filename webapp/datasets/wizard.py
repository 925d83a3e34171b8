"""The upload wizard after the files have arrived: what the columns mean, then filters and start; and the way out."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from engine.errors import DataError, SpecError
from engine.fields import describe_fields
from engine.spec import FilterSpec
from webapp.accounts.access import enter_project, require_role
from webapp.accounts.models import Role
from webapp.datasets.access import get_numbered_version_for_user
from webapp.datasets.actions import parse_filters
from webapp.datasets.columns import describe, require_mapping
from webapp.datasets.models import Upload
from webapp.datasets.starting import discard_version, start_version
from webapp.datasets.uploads import cancel_upload, get_upload_for_user, is_complete
from webapp.http import PageRequest, page, render_block, wants_part

_SHOWN = ("core", "minimum_rating", "after", "before", "sample_users")
_WORDS = {"after": "From", "before": "Until", "sample_users": "Sample of users"}


class FilterForm(forms.Form):
    """The filters of a version; ``engine.spec.FilterSpec`` judges them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in describe_fields(FilterSpec()):
            if field.name in _SHOWN:
                initial = "" if field.default is None else str(field.default)
                label = _WORDS.get(field.name, field.name.replace("_", " ").capitalize())
                help_text = f"{field.description[0].upper()}{field.description[1:]}."
                self.fields[field.name] = forms.CharField(label=label, initial=initial, required=False, help_text=help_text)

    def filters(self) -> dict[str, Any]:
        """As ``FilterSpec`` wants them; call it on a valid form. Wrong values become errors of their fields."""
        values = {name: _number(str(self.cleaned_data[name]).strip()) for name in _SHOWN}
        given = {name: value for name, value in values.items() if value != ""}
        try:
            parse_filters(given)
        except SpecError as error:
            for path, problem in error.problems:
                self.add_error(path if path in self.fields else None, problem)
        return given


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@page
@require_http_methods(["GET", "POST"])
def columns_page(request: PageRequest, key: uuid.UUID) -> HttpResponse:
    """Step 2: the first rows, and what each column means. A changed menu shows its effect at once."""
    upload = _upload(request, key)
    if not is_complete(upload):
        messages.warning(request, "Parts of the files are missing: choose the same files again, and the rest is sent.")
        return redirect(*_first_step(upload))
    context: dict[str, Any] = {"upload": upload, "section": "datasets", "dataset": upload.dataset}
    status = 200
    try:
        context.update(describe(upload, request.POST if request.method == "POST" else None))
        if request.method == "POST" and "go" in request.POST:
            upload.mapping = require_mapping(context)
            upload.save(update_fields=["mapping"])
            return redirect("upload-start", key=upload.key)
    except DataError as error:
        context["error"], status = error, 422
    if wants_part(request):
        return HttpResponse(render_block(request, "datasets/columns.html", "live", context))
    return render(request, "datasets/columns.html", context, status=status if request.method == "POST" else 200)


@page
@require_http_methods(["GET", "POST"])
def start_page(request: PageRequest, key: uuid.UUID) -> HttpResponse:
    """Step 3: filters, and start."""
    upload = _upload(request, key)
    form = FilterForm(request.POST if request.method == "POST" else None)
    error = None
    if form.is_bound and form.is_valid():
        filters = form.filters()
        if form.is_valid():
            try:
                version = start_version(upload, request.user, filters, upload.mapping)
            except DataError as problem:
                error = problem
            else:
                messages.success(request, "The files are stored; a worker reads them now.")
                return redirect("version", dataset=version.dataset_id, number=version.number)
    context = {
        "upload": upload,
        "files": upload.files.order_by("role"),
        "form": form,
        "error": error,
        "dataset": upload.dataset,
        "section": "datasets",
    }
    return render(request, "datasets/start.html", context, status=422 if form.is_bound else 200)


@page
@require_POST
def cancel_page(request: PageRequest, key: uuid.UUID) -> HttpResponse:
    """Away with an upload that has not become a version."""
    upload = _upload(request, key)
    step = _first_step(upload)
    cancel_upload(upload)
    messages.success(request, "The upload is cancelled; nothing of it is kept.")
    return redirect(*step)


@page
@require_POST
def discard_page(request: PageRequest, dataset: int, number: int) -> HttpResponse:
    """Away with a version that is not ready: queued, being read, or failed."""
    version = get_numbered_version_for_user(request.user, dataset, number)
    enter_project(request, version.dataset.project)
    require_role(request.user, version.dataset.project, Role.RESEARCHER)
    name = str(version)
    try:
        discard_version(version, request.user)
    except DataError as error:
        messages.error(request, str(error))
        return redirect("version", dataset=dataset, number=number)
    messages.success(request, f"{name} is removed; nothing of it is kept.")
    return redirect("datasets")


def _upload(request: PageRequest, key: uuid.UUID) -> Upload:
    upload = get_upload_for_user(request.user, key)
    enter_project(request, upload.project)
    require_role(request.user, upload.project, Role.RESEARCHER)
    return upload


def _first_step(upload: Upload) -> tuple[Any, ...]:
    return ("upload-version", upload.dataset_id) if upload.dataset_id else ("upload",)
