"""Following an invitation: join with the account one has, or make one."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from engine.errors import UserError
from webapp.accounts.access import enter_project, role_of
from webapp.accounts.invitations import accept, find_invitation
from webapp.accounts.models import Invitation
from webapp.accounts.throttle import begin_try, wait_words, wrong_links
from webapp.http import PageRequest

_TEMPLATE = "accounts/join.html"


@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """What the invitation is to. POST joins: as the person signed in, or with a new account, where the site allows that."""
    try:
        invitation = find_invitation(secret)
        if request.method == "POST":
            return _join(request, invitation)
    except UserError as error:
        seconds = begin_try(wrong_links(request))
        if seconds:
            response = _answer(request, {"problem": f"Try again in {wait_words(seconds)}.", "wait": seconds}, 429)
            response["Retry-After"] = str(seconds)
            return response
        return _answer(request, {"problem": str(error)}, 404)
    held = role_of(request.user, invitation.project) if isinstance(request.user, User) else None
    return _answer(request, {"invitation": invitation, "held": held, "form": UserCreationForm()}, 200)


def _join(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    if isinstance(request.user, User):
        user = request.user
        accept(invitation, user)
    else:
        form: UserCreationForm[User] = UserCreationForm(request.POST)
        if not settings.INVITATIONS_MAKE_ACCOUNTS or not form.is_valid():
            return _answer(request, {"invitation": invitation, "form": form}, 422)
        with transaction.atomic():
            user = form.save()
            accept(invitation, user)
        login(request, user)
    enter_project(cast(PageRequest, request), invitation.project)
    messages.success(request, f"Welcome to {invitation.project}.")
    return redirect("home")


def _answer(request: HttpRequest, context: dict[str, object], status: int) -> HttpResponse:
    context["accounts"] = settings.INVITATIONS_MAKE_ACCOUNTS
    response = render(request, _TEMPLATE, context, status=status)
    response["Cache-Control"] = "no-store"
    return response
