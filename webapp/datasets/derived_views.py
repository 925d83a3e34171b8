"""Pages of what is made of a version: leakage report, downloads, difference; and deleting a version."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from engine.errors import UserError
from webapp.accounts.access import enter_project
from webapp.datasets.access import get_numbered_version_for_user
from webapp.datasets.deleting import delete_version
from webapp.datasets.derived import ACTIVE, FILE, ask_for, download_kind, find_derived
from webapp.datasets.difference_table import difference_context
from webapp.datasets.leakage import summary
from webapp.datasets.models import Derived, DerivedKind, DerivedState, Version
from webapp.display import count, size
from webapp.http import PageRequest, living_part, page, wants_part
from webapp.streaming import download


@page
@require_http_methods(["GET", "POST"])
def leakage_page(request: PageRequest, dataset: int, number: int) -> HttpResponse:
    """The leakage report in plain words; POST asks for one where there is none."""
    version = _version(request, dataset, number)
    if request.method == "POST":
        return _ask(request, version, DerivedKind.LEAKAGE)
    derived = find_derived(version, DerivedKind.LEAKAGE)
    report = summary(version)
    context = {"report": report, "users": count(version.leakage.get("users"))}
    return _living(request, "datasets/leakage.html", version, None if report["known"] else derived, context)


@page
@require_http_methods(["GET", "POST"])
def download_page(request: PageRequest, dataset: int, number: int, form: str) -> HttpResponse:
    """An archive of a version: being made, or ready to be fetched; POST has it made."""
    version, kind = _version(request, dataset, number), _kind(form)
    if request.method == "POST":
        return _ask(request, version, kind)
    derived = find_derived(version, kind)
    known = derived.size if derived else None
    return _living(
        request, "datasets/download.html", version, derived, {"kind": kind, "size": size(known) if known is not None else ""}
    )


@page
@require_GET
def download_file(request: PageRequest, dataset: int, number: int, form: str) -> StreamingHttpResponse:
    """The archive itself, streamed; 404 until it is made."""
    return archive_response(request, find_derived(_version(request, dataset, number), _kind(form)))


@page
@require_http_methods(["GET", "POST"])
def difference_page(request: PageRequest, dataset: int, number: int) -> HttpResponse:
    """What differs between a version and the one numbered ``with``; POST has them compared."""
    version = _version(request, dataset, number)
    text = request.GET.get("with", "")
    other = get_numbered_version_for_user(request.user, dataset, int(text) if text.isdecimal() and len(text) < 9 else 0)
    if request.method == "POST":
        return _ask(request, version, DerivedKind.DIFFERENCE, other)
    derived = find_derived(version, DerivedKind.DIFFERENCE, other)
    context: dict[str, Any] = {"other": other}
    if derived is not None and derived.state == DerivedState.READY:
        context |= difference_context(derived.result, version.number, other.number)
    return _living(request, "datasets/difference.html", version, derived, context)


@page
@require_POST
def delete_page(request: PageRequest, dataset: int, number: int) -> HttpResponse:
    """Delete a version; says which runs need it where that is refused."""
    version = _version(request, dataset, number)
    try:
        delete_version(version, request.user)
    except UserError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{version} is deleted.")
    return redirect("version", dataset=dataset, number=number)


def archive_response(request: HttpRequest, derived: Derived | None) -> StreamingHttpResponse:
    """The archive as an attachment; 404 if it is not made."""
    if derived is None or derived.state != DerivedState.READY:
        raise Http404("This archive is not made yet.")
    return download(request, f"{derived.storage_key}/{FILE}", derived.file_name, "application/zip")


def _version(request: PageRequest, dataset: int, number: int) -> Version:
    version = get_numbered_version_for_user(request.user, dataset, number)
    enter_project(request, version.dataset.project)
    return version


def _kind(form: str) -> DerivedKind:
    try:
        return download_kind(form)
    except UserError as error:
        raise Http404(str(error)) from error


def _ask(request: PageRequest, version: Version, kind: DerivedKind, other: Version | None = None) -> HttpResponse:
    try:
        ask_for(version, kind, other)
    except UserError as error:
        messages.error(request, str(error))
    return redirect(request.get_full_path())


def _living(request: PageRequest, template: str, version: Version, derived: Derived | None, more: dict[str, Any]) -> HttpResponse:
    polling = derived is not None and derived.state in ACTIVE
    context = {"version": version, "derived": derived, "polling": polling, "may_ask": True, "section": "datasets", **more}
    if wants_part(request):
        return living_part(request, template, context, polling=polling)
    return render(request, template, context)
