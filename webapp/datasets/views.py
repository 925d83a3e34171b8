"""Pages of datasets: the list, one dataset, the upload, one version."""

from django.contrib import messages
from django.db.models import Count, Prefetch
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from engine.errors import DataError
from webapp import broker
from webapp.accounts.access import enter_project, get_place, require_role
from webapp.accounts.models import Role
from webapp.curation.review import review_section
from webapp.datasets.access import get_dataset_for_user, get_numbered_version_for_user
from webapp.datasets.asking import ask_about
from webapp.datasets.columns import look
from webapp.datasets.display import card, change_line, facts, filter_steps, going, sources, version_row
from webapp.datasets.forms import UploadForm
from webapp.datasets.models import HEAVY, Dataset, QuestionKind, Review, Version, VersionState
from webapp.datasets.profile import profile_section
from webapp.datasets.report import rejected_key, report_context
from webapp.datasets.starting import DISCARDABLE, start_version
from webapp.datasets.surroundings import surroundings
from webapp.datasets.uploads import ROLES, Announced, begin_upload, cancel_upload, store_whole
from webapp.delivering.display import model_context
from webapp.http import PageRequest, living_part, page, wants_part
from webapp.streaming import download


@page
@require_GET
def dataset_list(request: PageRequest) -> HttpResponse:
    """The project's datasets, each with its newest version."""
    place = get_place(request)
    newest = Version.objects.defer(*HEAVY).select_related("dataset").order_by("-number")
    datasets = (
        Dataset.objects.filter(project=place.project)
        .annotate(number_of_versions=Count("versions"))
        .prefetch_related(Prefetch("versions", queryset=newest))
        .order_by("name")
    )
    rows = []
    for dataset in datasets:
        versions = list(dataset.versions.all())
        rows.append({"dataset": dataset, "count": len(versions), "newest": version_row(versions[0]) if versions else None})
    waiting = Version.objects.filter(dataset__project=place.project, review=Review.SUBMITTED).count()
    return render(request, "datasets/list.html", {"rows": rows, "waiting": waiting, "section": "datasets"})


@page
@require_GET
def dataset_detail(request: PageRequest, pk: int) -> HttpResponse:
    """A dataset and its versions."""
    dataset = get_dataset_for_user(request.user, pk)
    place = enter_project(request, dataset.project)
    versions = dataset.versions.defer(*HEAVY).select_related("dataset").annotate(run_count=Count("runs")).order_by("-number")
    rows = [{**version_row(version), "runs": version.run_count} for version in versions]
    context = {"dataset": dataset, "rows": rows, "card": card(dataset), "section": "datasets"}
    return render(request, "datasets/detail.html", {**context, **model_context(dataset, place)})


@page
@require_http_methods(["GET", "POST"])
def upload(request: PageRequest, pk: int | None = None) -> HttpResponse:
    """Upload files as a new dataset, or, with ``pk``, as a further version of one."""
    dataset = get_dataset_for_user(request.user, pk) if pk is not None else None
    place = enter_project(request, dataset.project) if dataset else get_place(request)
    require_role(request.user, place.project, Role.RESEARCHER)
    if request.method == "POST":
        form = UploadForm(request.POST, request.FILES, project=place.project, dataset=dataset)
        if form.is_valid():
            try:
                return _store(request, form, dataset)
            except DataError as error:
                form.add_error("interactions", str(error))
    else:
        form = UploadForm(project=place.project, dataset=dataset)
    status = 422 if form.is_bound else 200
    return render(request, "datasets/upload.html", {"form": form, "dataset": dataset, "section": "datasets"}, status=status)


@page
@require_GET
def version_page(request: PageRequest, dataset: int, number: int) -> HttpResponse:
    """A version: what is in it, or what went wrong and what to do. Polled until it is ready or failed."""
    version = get_numbered_version_for_user(request.user, dataset, number)
    place = enter_project(request, version.dataset.project)
    row, profile = version_row(version), profile_section(version)
    polling = row["active"] or profile.get("waiting", False)
    context = {
        "version": version,
        "row": row,
        "changes": change_line(version),
        "children": version.children.order_by("number"),
        "facts": facts(version.manifest),
        "profile": profile,
        "review": review_section(version, place.role),
        "polling": polling,
        "steps": filter_steps(version.manifest),
        "sources": sources(version.manifest),
        **surroundings(version, place),
        "going": going(version),
        "may_discard": version.state in DISCARDABLE and place.may_launch,
        "section": "datasets",
    }
    if wants_part(request):
        return living_part(request, "datasets/version.html", context, polling=polling)
    return render(request, "datasets/version.html", context)


@page
@require_POST
def make_profile(request: PageRequest, dataset: int, number: int) -> HttpResponse:
    """Have a worker make the profile of a version that was made before there were any."""
    version = get_numbered_version_for_user(request.user, dataset, number)
    require_role(request.user, version.dataset.project, Role.RESEARCHER)
    if version.state == VersionState.READY and not version.profile:
        ask_about(version, request.user, QuestionKind.PROFILE)
    return redirect("version", dataset=dataset, number=number)


@page
@require_GET
def report_page(request: PageRequest, dataset: int, number: int) -> HttpResponse:
    """What reading changed and left out: notices by file, and the rows that were left out by reason."""
    version = get_numbered_version_for_user(request.user, dataset, number)
    enter_project(request, version.dataset.project)
    context = {"version": version, "section": "datasets", "has_list": bool(rejected_key(version)), **report_context(version)}
    return render(request, "datasets/report.html", context)


@page
@require_GET
def rejected_rows(request: PageRequest, dataset: int, number: int) -> StreamingHttpResponse:
    """The rows that were left out, as CSV for people."""
    version = get_numbered_version_for_user(request.user, dataset, number)
    key = rejected_key(version)
    if not key:
        raise Http404("No row of this version was left out.")
    return download(request, key, f"left-out-{version.dataset_id}-v{version.number}.csv", "text/csv; charset=utf-8")


def _store(request: PageRequest, form: UploadForm, dataset: Dataset | None) -> HttpResponse:
    """Store files that came with the form, and read them, or first ask what their columns mean."""
    name = form.cleaned_data.get("name", "")
    files = {role: form.cleaned_data[role] for role in ROLES if form.cleaned_data[role]}
    announced = [Announced(role, str(file.name), file.size or 0) for role, file in files.items()]
    upload = begin_upload(form.project, request.user, announced, dataset, name)
    try:
        for file in upload.files.all():
            store_whole(file, files[file.role])
        if look(upload, None).needs_mapping:
            return redirect("upload-columns", key=upload.key)
        version = start_version(upload, request.user, form.cleaned_data["core"])
    except BaseException:
        cancel_upload(upload)
        raise
    if broker.answers():
        messages.success(request, "The files are stored; a worker reads them now.")
    else:
        messages.warning(
            request, "The files are stored and queued, but the queue does not answer right now. They are read once it does."
        )
    return redirect("version", dataset=version.dataset_id, number=version.number)
