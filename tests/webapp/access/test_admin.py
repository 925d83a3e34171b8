"""Who may do what on Django's admin pages: ``admin.txt`` is the whole of it."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse

from tests.webapp.access import table
from tests.webapp.access.cast import Cast, gather
from tests.webapp.access.pages import every_route
from tests.webapp.access.walking import Request, ask
from webapp.accounts.tokens import issue_token

TABLE = "admin.txt"
PLAIN = "staff without rights"
WHO = ("anonymous", "viewer", "owner", PLAIN, "staff")
"""All members that are not of the staff are like these two."""


@pytest.fixture
def cast(db: None) -> Cast:
    made = gather("Title")
    made.users[PLAIN] = User.objects.create_user("plain", is_staff=True)
    client = Client()
    client.force_login(made.users[PLAIN])
    made.sessions[PLAIN] = str(client.cookies["sessionid"].value)
    Group.objects.create(name="g")
    return made


def requests(cast: Cast) -> list[Request]:
    """GET and POST of each address; of those of one row, with a row that is there."""
    found = []
    for route in every_route():
        if route.startswith("/admin/"):
            path = _path(route, cast)
            found += [Request(method, route, path) for method in ("GET", "POST")]
    return found


def _path(route: str, cast: Cast) -> str:
    if "<path:content_type_id>" in route:
        values = {"content_type_id": ContentType.objects.get_for_model(User).pk, "object_id": cast.users["viewer"].pk}
        return str(reverse("admin:view_on_site", kwargs=values))
    match = re.match(r"/admin/(\w+)/(\w+)/", route)
    if match and match[1] in apps.app_configs:
        model: Any = apps.get_model(match[1], match[2])
        row = model._default_manager.order_by("pk").first()
        route = re.sub(r"<(path:object_id|id)>", str(row.pk if row else 1), route)
    return route.replace("<app_label>", "accounts").replace("<url>", "nothing")


def test_the_matrix(cast: Cast) -> None:
    found: table.Rows = {}
    for request in requests(cast):
        seen = {who: ask(cast.client(who, here=False), request) for who in WHO}
        found[request.name] = {who: one.outcome for who, one in seen.items()}
        for who, one in seen.items():
            assert one.status != 500, f"{request.name} as {who}"
            assert not one.wrote_though_refused, f"{request.name} as {who}: wrote {set(one.written)}"
    table.compare(TABLE, found, WHO)


def test_every_unsafe_request_needs_its_csrf_token(cast: Cast) -> None:
    for request in requests(cast):
        if request.method == "POST":
            careful = Client(enforce_csrf_checks=True)
            careful.cookies = cast.client("staff", here=False).cookies
            seen = ask(careful, request)
            assert (seen.status, seen.written) == (403, frozenset()), request.name


def test_no_page_shows_a_secret(cast: Cast) -> None:
    """Neither keyed hashes of tokens, nor of passwords, nor keys of webhooks."""
    token, text = issue_token(cast.users["owner"], "mine", 1)
    user = cast.users["owner"]
    user.set_password("a-password-of-hers-1")
    user.save()
    hidden = [token.digest, text.rpartition("_")[2], user.password.rpartition("$")[2]]
    for request in requests(cast):
        if request.method == "GET":
            seen = ask(cast.client("staff", here=False), request)
            assert not [one for one in hidden if one in seen.text], request.name
