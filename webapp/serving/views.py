"""Pages that ask a trained run: try it with items of your choice, and look a user up."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from engine.errors import UserError
from webapp.accounts.access import enter_project
from webapp.experiments import display as run_display
from webapp.experiments.access import get_run_for_user
from webapp.experiments.models import Run
from webapp.http import PageRequest, page, render_block, wants_part
from webapp.serving import display
from webapp.serving.asking import (
    LONGEST_HISTORY,
    LONGEST_LIST,
    ask_run,
    known_titles,
    recommend_question,
    user_question,
    wait_for_answer,
    withdraw,
)
from webapp.serving.models import Ask, AskKind, AskState

_TRY, _USER = "serving/try.html", "serving/user.html"
_K = 10


@dataclass(frozen=True)
class Choice:
    """What stands in the form: items in order (ids), the length of the list, what is searched for."""

    items: tuple[str, ...]
    k: str
    query: str

    @classmethod
    def of(cls, request: HttpRequest) -> "Choice":
        """As it was sent, with the item that was added or removed by its button."""
        sent = request.POST if request.method == "POST" else request.GET
        items = sent.getlist("item")[: LONGEST_HISTORY + 1]
        removed = sent.get("remove", "")
        if removed.isdecimal() and int(removed) < len(items):
            del items[int(removed)]
        if sent.get("add"):
            items.append(sent["add"])
        return cls(tuple(items), sent.get("k", str(_K)).strip(), sent.get("q", ""))

    def question(self) -> dict[str, Any]:
        """As a worker understands it; raises UserError."""
        return recommend_question(self.items, _number(self.k), self.query)

    def address(self, ask: Ask | None) -> str:
        """The part of the address behind the question mark."""
        values = [("item", item) for item in self.items] + [("k", self.k)] + ([("q", self.query)] if self.query else [])
        return urlencode([*values, *([("ask", ask.pk)] if ask else [])])


@page
@require_http_methods(["GET", "POST"])
def try_page(request: PageRequest, pk: int) -> HttpResponse:
    """Pick items by their titles, and see what the run recommends after them; POST asks, and waits for a moment."""
    run = get_run_for_user(request.user, pk)
    enter_project(request, run.project)
    choice = Choice.of(request)
    if request.method == "GET":
        return _shown(request, run, _TRY, _try_context(choice, _asked(request, run, AskKind.RECOMMEND)))
    ask, problem = None, None
    titles = known_titles(run, request.user, request.POST.get("ask", ""))
    try:
        withdraw(run, request.user, request.POST.get("ask", ""))
        # Without items and without words there is nothing to ask.
        if choice.items or choice.query.strip():
            ask = ask_run(run, request.user, AskKind.RECOMMEND, choice.question())
            wait_for_answer(ask, settings.SERVE_WAIT_SECONDS)
    except UserError as error:
        problem = error
    address = f"{reverse('try', args=[run.pk])}?{choice.address(ask)}"
    if problem is None and not wants_part(request):
        return redirect(f"{address}#try")
    response = _shown(request, run, _TRY, {**_try_context(choice, ask, titles), "problem": problem})
    if problem is None:
        response["HX-Replace-Url"] = address
    return response


@page
@require_http_methods(["GET", "POST"])
def user_page(request: PageRequest, pk: int) -> HttpResponse:
    """What the run recommends to one user of its version, and where the held-out item stands."""
    run = get_run_for_user(request.user, pk)
    enter_project(request, run.project)
    if request.method == "GET":
        ask = _asked(request, run, AskKind.USER)
        user = ask.question["user"] if ask else request.GET.get("user", "")
        return _shown(request, run, _USER, {**_context(ask), "user_id": user})
    user, ask = request.POST.get("user", "").strip(), None
    try:
        ask = ask_run(run, request.user, AskKind.USER, user_question(user, _K))
    except UserError as error:
        return _shown(request, run, _USER, {**_context(None), "user_id": user, "problem": error})
    wait_for_answer(ask, settings.SERVE_WAIT_SECONDS)
    return redirect(f"{reverse('run-user', args=[run.pk])}?ask={ask.pk}")


def _shown(request: PageRequest, run: Run, template: str, context: dict[str, Any]) -> HttpResponse:
    known = {
        "run": run,
        "method": run_display.method_title(run.method),
        "protocol": run_display.protocol_line(run.protocol),
        "section": "runs",
        "part": wants_part(request),
        **context,
    }
    if wants_part(request):
        return HttpResponse(render_block(request, template, "live", known))
    return render(request, template, known, status=422 if context.get("problem") else 200)


def _asked(request: PageRequest, run: Run, kind: AskKind) -> Ask | None:
    """The question that the address names: of this run, by this person; 404 for another, None for none."""
    wanted = request.GET.get("ask", "")
    if not wanted:
        return None
    asks = Ask.objects.filter(run=run, asked_by=request.user, kind=kind)
    found = asks.filter(pk=int(wanted)).first() if wanted.isdecimal() and len(wanted) < 19 else None
    if found is None and kind == AskKind.USER:
        raise Http404("There is no such question any more. Ask again.")
    return found


def _context(ask: Ask | None) -> dict[str, Any]:
    return {
        "ask": ask,
        "waiting": display.waiting(ask),
        "answer": display.answer_of(ask),
        "failed": ask is not None and ask.state == AskState.FAILED,
    }


def _try_context(choice: Choice, ask: Ask | None, titles: dict[str, str] | None = None) -> dict[str, Any]:
    """The chosen items get their titles from the answer, or from the one before; where there is none, ids stand for them."""
    shown = _context(ask)
    answer = shown["answer"] or {}
    titles = {**(titles or {}), **{line["id"]: line["title"] for line in answer.get("history", [])}}
    said = [f"{len(answer['found'])} titles found."] if answer and choice.query else []
    said += [f"{len(answer['recommended'])} items recommended."] if answer and choice.items else []
    return {
        "said": " ".join(said),
        **shown,
        "chosen": [{"id": item, "title": titles.get(item, item)} for item in choice.items],
        "choice": choice,
        "address": choice.address(ask),
        "longest": LONGEST_LIST,
        "full": len(choice.items) >= LONGEST_HISTORY,
    }


def _number(text: str) -> int:
    if not (text.isdecimal() and len(text) < 9):
        raise UserError(f"k: got {text[:20]!r}, must be a whole number.", "It is the number of items recommended.")
    return int(text)
