"""The home page ("what needs me?") and the health check."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from webapp import broker
from webapp.accounts.access import find_place, get_place
from webapp.http import PageRequest, living_part, page, wants_part
from webapp.overview import overview, overview_stamp
from webapp.polling import nothing_new, seen, stamped


@page
@require_GET
def home(request: PageRequest) -> HttpResponse:
    """Counts, what runs, what failed, what is new; refreshed while something is active."""
    if find_place(request) is None:
        return render(request, "accounts/no_project.html", {"section": "home"})
    place = get_place(request)
    stamp = overview_stamp(place) if wants_part(request) else ""
    if stamp and seen(request) == stamp:
        return nothing_new(stamp)
    context = overview(place)
    if wants_part(request):
        return stamped(living_part(request, "home.html", context, polling=context["polling"]), stamp)
    return render(request, "home.html", {**context, "section": "home"})


@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """200 if the database and the broker answer, else 503; each is said apart."""
    parts = {"database": _database_answers(), "broker": broker.answers()}
    words = {name: "ok" if fine else "does not answer" for name, fine in parts.items()}
    return JsonResponse(words, status=200 if all(parts.values()) else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True
