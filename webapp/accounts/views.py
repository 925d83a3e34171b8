"""The account's pages: profile with API tokens, and the project switch."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from webapp.accounts.access import enter_project, get_project_for_user
from webapp.accounts.models import ApiToken, Scope
from webapp.accounts.tokens import issue_token, revoke_token
from webapp.display import moment
from webapp.http import PageRequest, page
from webapp.notices.reading import delivery_errors

SCOPE_WORDS = {
    Scope.READ: "read",
    Scope.LAUNCH: "launch: read, upload, launch",
    Scope.CURATE: "curate: launch, and change data",
    Scope.ADMIN: "admin: everything",
}
"""Each scope, by the name that the API uses, and what a token of it may do."""


class TokenForm(forms.Form):
    """A new token's name, scope and lifetime."""

    name = forms.CharField(max_length=100, help_text="What will use it, e.g. nightly sweep")
    scope = forms.TypedChoiceField(
        label="Scope",
        coerce=Scope,
        choices=[(scope.value, words) for scope, words in SCOPE_WORDS.items()],
        initial=Scope.LAUNCH.value,
        help_text="Never more than you may do yourself.",
    )
    days = forms.TypedChoiceField(
        label="Valid for",
        coerce=int,
        choices=[("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("0", "until revoked")],
        initial="90",
    )


@page
@require_http_methods(["GET", "POST"])
def profile(request: PageRequest) -> HttpResponse:
    """The user's memberships and tokens; makes and revokes tokens. A new token's text is shown in this answer only."""
    form, shown = TokenForm(), None
    if "revoke" in request.POST:
        revoke_token(_token_for_user(request, request.POST["revoke"]))
        messages.success(request, "The token is revoked: it is refused from now on.")
        return redirect("profile")
    if request.method == "POST":
        form = TokenForm(request.POST)
        if form.is_valid():
            _, shown = issue_token(
                request.user, form.cleaned_data["name"], form.cleaned_data["days"] or None, form.cleaned_data["scope"]
            )
            form = TokenForm()
    context = {
        "form": form,
        "shown": shown,
        "tokens": [_row(token) for token in request.user.api_tokens.order_by("-pk")],
        "delivery_errors": delivery_errors(request.user),
        "memberships": request.user.memberships.select_related("project").order_by("project__name"),
    }
    response = render(request, "accounts/profile.html", context)
    response["Cache-Control"] = "no-store"
    return response


@page
@require_POST
def switch_project(request: PageRequest) -> HttpResponse:
    """Make the posted project the current one."""
    wanted = request.POST.get("project", "")
    enter_project(request, get_project_for_user(request.user, int(wanted) if wanted.isdecimal() else 0))
    return redirect("home")


def _token_for_user(request: PageRequest, pk: str) -> ApiToken:
    token = request.user.api_tokens.filter(pk=pk).first() if pk.isdecimal() else None
    if token is None:
        raise Http404("There is no such token.")
    return token


def _row(token: ApiToken) -> dict[str, object]:
    return {
        "pk": token.pk,
        "name": token.name,
        "start": f"darec_{token.lookup}_…",
        "scope": token.scope,
        "made": moment(token.created_at),
        "expires": moment(token.expires_at) or "never",
        "used": moment(token.last_used_at) or "not yet",
        "revoked": moment(token.revoked_at),
    }
