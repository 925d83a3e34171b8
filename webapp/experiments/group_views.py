"""Pages of groups of runs: the list, and one group as one table."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from webapp.accounts.access import enter_project, get_place, require_role
from webapp.accounts.models import Role
from webapp.datasets.models import HEAVY_OF_VERSION
from webapp.display import count, moment
from webapp.experiments import group_table
from webapp.experiments.access import get_group_for_user
from webapp.experiments.actions import cancel_group
from webapp.experiments.groups import ask_for_comparisons, standings
from webapp.experiments.models import ACTIVE_STATES, RunGroup, RunState
from webapp.experiments.stamps import group_stamp
from webapp.http import PageRequest, living_part, page, wants_part
from webapp.polling import nothing_new, seen, stamped

_GROUPS_A_PAGE = 50
_TEMPLATE = "experiments/group.html"


@page
@require_GET
def group_list(request: PageRequest) -> HttpResponse:
    """The project's groups, newest first."""
    place = get_place(request)
    active = Q(variants__runs__state__in=ACTIVE_STATES)
    succeeded = Q(variants__runs__state=RunState.SUCCEEDED)
    groups = (
        RunGroup.objects.filter(project=place.project)
        .select_related("version__dataset", "source")
        .defer(*HEAVY_OF_VERSION, "source__spec", "source__slices", "source__intervals", "source__mask")
        .annotate(
            runs=Count("variants__runs"),
            active=Count("variants__runs", filter=active),
            succeeded=Count("variants__runs", filter=succeeded),
        )
        .order_by("-id")
    )
    shown = Paginator(groups, _GROUPS_A_PAGE).get_page(request.GET.get("page"))
    return render(
        request, "experiments/groups.html", {"page": shown, "rows": [_line(group) for group in shown], "section": "runs"}
    )


@page
@require_http_methods(["GET", "POST"])
def group_page(request: PageRequest, pk: int) -> HttpResponse:
    """A group as one table. It is polled until all runs have ended and are compared; POST cancels those that are active."""
    stamp = group_stamp(request.user, pk) if wants_part(request) else ""
    if stamp and seen(request) == stamp:
        return nothing_new(stamp)
    group = get_group_for_user(request.user, pk)
    enter_project(request, group.project)
    if request.method == "POST":
        require_role(request.user, group.project, Role.RESEARCHER)
        _cancel(request, group)
        return redirect("group", pk=group.pk)
    context = _context(group)
    if wants_part(request):
        return stamped(living_part(request, _TEMPLATE, context, polling=context["polling"]), stamp)
    return render(request, _TEMPLATE, context)


def _line(group: Any) -> dict[str, Any]:
    active = f", {count(group.active)} active" if group.active else ""
    return {
        "group": group,
        "runs": f"{count(group.succeeded)} of {count(group.runs)} succeeded{active}",
        "created": moment(group.created_at),
    }


def _cancel(request: PageRequest, group: RunGroup) -> None:
    stopped, stopping = cancel_group(group)
    parts = [f"{count(stopped)} cancelled; they had not started"] if stopped else []
    parts += [f"{count(stopping)} will stop at their next checkpoint"] if stopping else []
    if parts:
        messages.success(request, f"Runs of {group}: {', '.join(parts)}.")
    else:
        messages.warning(request, f"All runs of {group} have ended already, or are about to. There is nothing to cancel.")


def _context(group: RunGroup) -> dict[str, Any]:
    now = standings(group)
    waiting = any(one.waiting for one in now)
    if waiting:
        ask_for_comparisons(group)
    active = any(one.active for one in now)
    return {
        "group": group,
        "active": active,
        "waiting": waiting,
        "polling": active or waiting,
        "tables": [group_table.table(one) for one in now],
        "totals": group_table.totals(now),
        "created": moment(group.created_at),
        "section": "runs",
    }
