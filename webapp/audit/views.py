"""The page of the audit trail."""

import json
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from webapp.accounts.access import get_place, require_role
from webapp.accounts.models import Role
from webapp.audit.models import AuditEntry
from webapp.display import moment
from webapp.http import PageRequest, page

_ENTRIES_A_PAGE = 100
_SHOWN = 600
"""Longer values are cut on the page; the admin pages and the database have all."""


@page
@require_GET
def audit(request: PageRequest) -> HttpResponse:
    """Who changed what in the project, newest first; ``?of=dataset&id=3`` shows one object only."""
    place = get_place(request)
    require_role(request.user, place.project, Role.CURATOR)
    entries = AuditEntry.objects.filter(project_id=place.project.pk).order_by("-id")
    kind, wanted = request.GET.get("of", "").replace("\x00", ""), request.GET.get("id", "")
    if kind and wanted.isdecimal() and len(wanted) < 19:
        entries = entries.filter(object_type=kind, object_id=int(wanted))
    shown = Paginator(entries, _ENTRIES_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": shown, "rows": [_row(entry) for entry in shown], "kind": kind, "wanted": wanted, "section": "datasets"}
    return render(request, "audit/list.html", context)


def _row(entry: AuditEntry) -> dict[str, str]:
    return {
        "at": moment(entry.at),
        "who": entry.username,
        "action": entry.action,
        "name": entry.object_name,
        "before": _text(entry.before),
        "after": _text(entry.after),
    }


def _text(values: dict[str, Any] | None) -> str:
    if not values:
        return ""
    text = json.dumps(values, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
