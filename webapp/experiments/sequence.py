"""What the model will see of a sample user: a worker reads it, as training would, and the new-run page shows it."""

from typing import Any

from django.contrib.auth.models import User
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from engine.errors import UserError
from engine.spec import RunSpec
from webapp.accounts.access import enter_project, get_place, require_role
from webapp.accounts.models import Role
from webapp.datasets.asking import ask_about
from webapp.datasets.models import HEAVY_OF_VERSION, Question, QuestionKind, QuestionState, Version
from webapp.display import count, since
from webapp.experiments.actions import check_storable, check_version
from webapp.experiments.choosing import checked, choose, posted
from webapp.experiments.small_mask import colour, small_mask
from webapp.http import PageRequest, living_part, page, render_block, wants_part

_TEMPLATE = "experiments/sequence.html"
_MOST_USERS = 1_000_000


@page
@require_POST
def ask_for_sequence(request: PageRequest) -> HttpResponse:
    """Ask a worker what a run of the form's settings would read of a sample user."""
    choice = choose(request, request.POST)
    place = enter_project(request, choice.version.dataset.project) if choice.version else get_place(request)
    require_role(request.user, place.project, Role.RESEARCHER)
    form = posted(choice, request.POST.dict())
    spec = checked(form)
    problem = "Correct what is marked first: with these settings nothing can be read."
    if spec is not None and choice.version is not None and not choice.problem:
        try:
            return _asked(request, _ask(choice.version, request.user, spec))
        except UserError as error:
            problem = str(error)
    context = {"problem": problem, "section": "runs"}
    if wants_part(request):
        return HttpResponse(render_block(request, _TEMPLATE, "seen", context))
    return render(request, _TEMPLATE, context, status=422)


@page
@require_http_methods(["GET", "POST"])
def sequence_page(request: PageRequest, pk: int) -> HttpResponse:
    """The answer, or that it is awaited: polled as a part of the new-run page, and a page of its own without JavaScript.

    POST asks for the next sample user under the same settings.
    """
    questions = Question.objects.filter(kind=QuestionKind.SEQUENCE, version__dataset__project__memberships__user=request.user)
    question = questions.select_related("version__dataset__project").defer(*HEAVY_OF_VERSION).filter(pk=pk).first()
    if question is None:
        raise Http404("There is no such preview any more, or it is not yours.")
    enter_project(request, question.version.dataset.project)
    if request.method == "POST":
        require_role(request.user, question.version.dataset.project, Role.RESEARCHER)
        number = (int(question.settings["user"]) + 1) % _MOST_USERS
        return _asked(
            request, ask_about(question.version, request.user, QuestionKind.SEQUENCE, {**question.settings, "user": number})
        )
    context = _context(question)
    if wants_part(request):
        return living_part(request, _TEMPLATE, context, polling=context["polling"])
    return render(request, _TEMPLATE, context)


def _ask(version: Version, user: User, spec: RunSpec) -> Question:
    """Ask about the first sample user; raises UserError if nobody could answer."""
    check_version(version)
    values = spec.model_dump(mode="json")
    check_storable(values)
    return ask_about(version, user, QuestionKind.SEQUENCE, {"spec": values, "user": 0})


def _asked(request: PageRequest, question: Question) -> HttpResponse:
    if wants_part(request):
        return HttpResponse(render_block(request, _TEMPLATE, "seen", _context(question)))
    return redirect("sequence", pk=question.pk)


def _context(question: Question) -> dict[str, Any]:
    return {
        "question": question,
        "polling": question.state == QuestionState.ASKED,
        "waited": since(question.asked_at),
        "seen": _seen(question.answer) if question.state == QuestionState.ANSWERED else None,
        "section": "runs",
    }


def _seen(answer: dict[str, Any]) -> dict[str, Any]:
    items, history = answer["items"], answer["history"]
    cut = sum(1 for item in items if item["cut"])
    tokens = len(answer["tokens"]) + answer["hidden"]
    words = f"{count(len(items))} of {count(history)} items of the history are read"
    if any(token["kind"] == "text" for token in answer["tokens"]):
        words += f", as {count(tokens)} tokens"
    words += ": the last ones, as many as the window holds." if len(items) < history else ": all of them."
    if cut:
        words += f" {count(cut)} text{'s are' if cut > 1 else ' is'} cut: longer than Max item tokens."
    return {
        "user": answer["user"],
        "words": words,
        "target": answer["target"],
        "pieces": _pieces(answer),
        "hidden": count(answer["hidden"]) if answer["hidden"] else "",
        "masks": [small_mask(mask) for mask in answer["masks"]],
        "sentences": answer["sentences"],
    }


def _pieces(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Tokens that follow each other and are of one item, or of none, together."""
    pieces: list[dict[str, Any]] = []
    for token in answer["tokens"]:
        item = token["item"]
        if not pieces or pieces[-1]["item"] != item:
            known = answer["items"][item] if item is not None else None
            pieces.append({"item": item, "number": None if item is None else item + 1, "known": known, "tokens": []})
            pieces[-1]["colour"] = colour(item)
        pieces[-1]["tokens"].append(token)
    return pieces
