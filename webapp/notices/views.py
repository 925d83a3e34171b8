"""The page of notices, and the settings of the ways by which they come."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from webapp.display import moment, since
from webapp.http import PageRequest, page
from webapp.notices.actions import mark_read, notices_for_user, renew_secret, set_preferences
from webapp.notices.forms import PreferencesForm
from webapp.notices.models import KEPT_DAYS, Channel, Delivery, Notice, Preferences
from webapp.notices.writing import write_test

_SHOWN = 100
_SHAPES = {
    "succeeded": ("succeeded", "✓"),
    "finished": ("finished", "✓"),
    "failed": ("failed", "✕"),
    "lost": ("lost", "?"),
    "cancelled": ("cancelled", "\N{DOUBLE VERTICAL LINE}"),
    "test": ("draft", "…"),
}


@page
@require_http_methods(["GET", "POST"])
def notice_list(request: PageRequest) -> HttpResponse:
    """The newest notices; POST marks one (``read``) or all of them read."""
    if request.method == "POST":
        wanted = request.POST.get("read", "")
        if wanted and not wanted.isdecimal():
            raise Http404("There is no such notice.")
        mark_read(request.user, int(wanted) if wanted else None)
        return redirect("notices")
    found = list(notices_for_user(request.user)[:_SHOWN])
    context = {
        "notices": [_row(notice) for notice in found],
        "unread": sum(notice.read_at is None for notice in found),
        "days": KEPT_DAYS,
        "section": "",
    }
    return render(request, "notices/list.html", context)


@page
@require_http_methods(["GET", "POST"])
def preferences(request: PageRequest) -> HttpResponse:
    """Which ways the user wants; tries them; makes a new secret, which this answer alone shows."""
    form, secret = PreferencesForm(initial=_initial(request)), ""
    if "test" in request.POST:
        _test(request)
        return redirect("notice-preferences")
    if "renew" in request.POST:
        if not Preferences.objects.filter(user=request.user).exclude(webhook_url="").exists():
            raise Http404("There is no webhook.")
        secret = renew_secret(request.user)
    elif request.method == "POST":
        form = PreferencesForm(request.POST)
        if form.is_valid():
            secret = set_preferences(request.user, **form.cleaned_data)
            messages.success(request, "Your ways of notice are stored.")
            if not secret:
                return redirect("notice-preferences")
    response = render(request, "notices/preferences.html", {"form": form, "secret": secret, **section(request)})
    response["Cache-Control"] = "no-store"
    return response


def section(request: PageRequest) -> dict[str, Any]:
    """How each way stands: whether it is on, when something was last sent, and what went wrong since."""
    wanted = Preferences.objects.filter(user=request.user).first() or Preferences(user=request.user)
    return {
        "mail_possible": bool(settings.EMAIL_HOST),
        "wanted": wanted,
        "may_test": bool(wanted.webhook_url or (wanted.email_on and request.user.email)),
        "ways": [_way(request, channel) for channel in Channel],
    }


def _initial(request: PageRequest) -> dict[str, Any]:
    wanted = Preferences.objects.filter(user=request.user).first() or Preferences()
    return {"email": request.user.email, "email_on": wanted.email_on, "webhook_url": wanted.webhook_url}


def _test(request: PageRequest) -> None:
    if write_test(request.user.pk) is None:
        messages.warning(request, "A test was sent within the last minute; wait a little.")
    else:
        messages.success(request, "A test is on its way. Reload this page to see whether it was sent.")


def _way(request: PageRequest, channel: Channel) -> dict[str, Any]:
    last = Delivery.objects.filter(notice__user=request.user, channel=channel).order_by("-id").first()
    return {
        "name": channel.label,
        "sent": moment(last.sent_at) if last else "",
        "error": last.last_error if last else "",
        "tries": last.tries if last else 0,
        "again": moment(last.next_try_at) if last else "",
        "known": last is not None,
    }


def _row(notice: Notice) -> dict[str, Any]:
    name, shape = _SHAPES.get(notice.outcome, ("draft", "…"))
    return {
        "pk": notice.pk,
        "state": {"name": name, "shape": shape, "word": notice.outcome},
        "title": notice.title,
        "detail": notice.detail,
        "path": notice.path,
        "when": moment(notice.created_at),
        "ago": since(notice.created_at),
        "unread": notice.read_at is None,
    }
