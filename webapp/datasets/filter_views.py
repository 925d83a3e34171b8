"""The page that makes a version from another one by filters, with a preview that a worker counts."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from engine.errors import UserError
from engine.spec import FilterSpec
from webapp.accounts.access import enter_project, require_role
from webapp.accounts.models import Role
from webapp.datasets.access import get_numbered_version_for_user
from webapp.datasets.asking import ask_about
from webapp.datasets.deriving import derive_version
from webapp.datasets.display import filter_step
from webapp.datasets.filter_form import FilterForm
from webapp.datasets.models import Question, QuestionKind, QuestionState, Version, VersionState
from webapp.display import count, since
from webapp.http import PageRequest, living_part, page, wants_part

_TEMPLATE = "datasets/filter.html"


@page
@require_http_methods(["GET", "POST"])
def filter_page(request: PageRequest, dataset: int, number: int) -> HttpResponse:
    """The filters as a form; ``preview`` asks a worker what they would do, ``make`` queues the version."""
    version = get_numbered_version_for_user(request.user, dataset, number)
    enter_project(request, version.dataset.project)
    require_role(request.user, version.dataset.project, Role.RESEARCHER)
    if version.state != VersionState.READY:
        messages.warning(request, f"{version} is not ready: there is nothing to filter.")
        return redirect("version", dataset=dataset, number=number)
    if request.method == "POST":
        return _act(request, version)
    question = _question(request, version)
    if question is not None and wants_part(request):
        return living_part(request, _TEMPLATE, _context(version, None, question), polling=_open(question))
    shown = FilterSpec.model_validate(question.settings["filters"]) if question else None
    form = FilterForm(shown=shown) if shown else FilterForm()
    return render(request, _TEMPLATE, _context(version, form, question))


def _act(request: PageRequest, version: Version) -> HttpResponse:
    form = FilterForm(request.POST.dict(), {name: file for name, file in request.FILES.items() if not isinstance(file, list)})
    filters = form.filters()
    if filters is None:
        return render(request, _TEMPLATE, _context(version, form, None), status=422)
    if request.POST.get("action") == "make":
        try:
            made = derive_version(version, request.user, filters)
        except UserError as error:
            form.problems.append(str(error))
            return render(request, _TEMPLATE, _context(version, form, None), status=422)
        messages.success(request, f"A worker makes v{made.number} from v{version.number}.")
        return redirect("version", dataset=made.dataset_id, number=made.number)
    question = ask_about(version, request.user, QuestionKind.PREVIEW, {"filters": filters.model_dump(mode="json")})
    address = reverse("filter-version", args=[version.dataset_id, version.number])
    return redirect(f"{address}?question={question.pk}#preview")


def _question(request: PageRequest, version: Version) -> Question | None:
    wanted = request.GET.get("question", "")
    if not wanted:
        return None
    kept = version.questions.filter(kind=QuestionKind.PREVIEW)
    found = kept.filter(pk=int(wanted)).first() if wanted.isdecimal() and len(wanted) < 19 else None
    if found is None:
        raise Http404("There is no such preview any more. Ask for it again.")
    return found


def _open(question: Question | None) -> bool:
    return question is not None and question.state == QuestionState.ASKED


def _context(version: Version, form: FilterForm | None, question: Question | None) -> dict[str, Any]:
    return {
        "version": version,
        "form": form,
        "question": question,
        "polling": _open(question),
        "waited": since(question.asked_at) if question else "",
        "preview": _preview(question) if question and question.state == QuestionState.ANSWERED else None,
        "section": "datasets",
    }


def _preview(question: Question) -> dict[str, Any]:
    answer = question.answer
    rows = [{"name": "before", "counts": _counts(answer["before"])}]
    rows += [{**filter_step(one["step"]), "counts": _counts(one["after"])} for one in answer["steps"]]
    last = answer["steps"][-1]["after"] if answer["steps"] else answer["before"]
    kept = last["interactions"] / max(answer["before"]["interactions"], 1)
    return {
        "rows": rows,
        "before": _counts(answer["before"]),
        "after": _counts(last),
        "kept": f"{kept * 100:.3g} %",
        "notices": answer["notices"],
        "problem": answer["problem"],
        "hint": answer["hint"],
        "seconds": f"{answer['seconds']:.2g}",
    }


def _counts(counts: dict[str, int]) -> dict[str, str]:
    return {name: count(value) for name, value in counts.items()}
