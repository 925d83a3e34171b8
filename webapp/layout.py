"""What the frame of every page needs."""

from typing import Any

from django.http import HttpRequest

from webapp.accounts.access import find_place

_RAIL = (
    ("home", "home", "Home"),
    ("datasets", "datasets", "Datasets"),
    ("runs", "runs", "Runs"),
    ("searches", "searches", "Searches"),
    ("compare", "compare", "Compare"),
    ("workers", "workers", "Workers"),
)
"""Name, view and words of each section."""


def frame(request: HttpRequest) -> dict[str, Any]:
    """The current place (project, role, projects to switch to) and the sections of the left rail."""
    signed_in = hasattr(request, "user") and request.user.is_authenticated
    return {
        "place": find_place(request) if signed_in else None,
        "rail": _RAIL if signed_in else (),
    }
