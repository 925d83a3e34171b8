"""Every page of a well-filled project takes at most ten queries, however much there is."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import URLResolver
from django.utils import timezone

from tests.webapp.people import People, finish, make_group, make_run, make_version
from tests.webapp.searches.planting import add_trial, make_search, uniform
from webapp.datasets.models import Version
from webapp.experiments.models import Run, RunEvent, RunStar
from webapp.searches.models import Search

MOST = 10
_OTHERS = re.compile(
    r"^(admin/|api/|logout|healthz|readyz|metrics|datasets/uploads|datasets/<int:dataset>/versions/<int:number>/(download|report|left-out))"
)
"""Django's own pages, files, and what answers to scripts."""


@pytest.fixture
def filled(people: People, version: Version) -> dict[str, Any]:
    """Versions, runs of every state with events, a group and a search: forty of everything that pages list."""
    for _ in range(5):
        make_version(people)
    for number in range(8):
        make_version(people, f"Set {number}")
    group = make_group(version, tuple(f"variant {number}" for number in range(6)), (0, 1, 2))
    search: Search = make_search(version)
    for number in range(12):
        add_trial(search, uniform(4, 2 + number), 0.01 * number)
    for state in ("queued", "running", "failed", "lost", "cancelled", "succeeded"):
        for _ in range(7):
            make_run(version, state, error="out of memory", tags=["a", state], notes="*n*", progress={"fraction": 0.5})
    run = finish(make_run(version))
    RunStar.objects.create(run=run, user=people.alice)
    events = [
        RunEvent(run=run, attempt=1, sequence=number, type="metric", created_at=timezone.now(), payload=_metric(number))
        for number in range(200)
    ]
    RunEvent.objects.bulk_create(events)
    return {
        "run": run.pk,
        "running": Run.objects.filter(state="running").latest("pk").pk,
        "failed": Run.objects.filter(state="failed").latest("pk").pk,
        "group": group.pk,
        "search": search.pk,
        "dataset": version.dataset_id,
        "number": version.number,
    }


def _metric(number: int) -> dict[str, Any]:
    return {"split": "valid", "step": number, "epoch": number, "values": {"ndcg@10": 0.001 * number}}


def _addresses(known: dict[str, Any]) -> list[str]:
    """All pages of the site that a person may open, with what is filled in."""
    objects = {"runs": known["run"], "groups": known["group"], "searches": known["search"], "datasets": known["dataset"]}
    found = []
    for route in _routes(get_resolver().url_patterns):
        if _OTHERS.match(route):
            continue
        first = route.split("/")[0]
        values = {"pk": objects.get(first), "dataset": known["dataset"], "number": known["number"]}
        names = re.findall(r"<(?:\w+:)?(\w+)>", route)
        if all(values.get(name) is not None for name in names):
            found.append("/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match, values=values: str(values[match[1]]), route))
    return found


def _routes(patterns: list[Any], before: str = "") -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += _routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            found.append(route)
    return found


def test_all_pages(alice: Client, filled: dict[str, Any]) -> None:
    addresses = _addresses(filled)
    more = [
        f"/runs/{filled['running']}",
        f"/runs/{filled['failed']}",
        "/runs?trials=1&sort=-test.ndcg@10&columns=state,by,group,search,tag,training.seed,error,notes",
        "/runs?where=starred+%3D+yes&where=tag+%3D+succeeded",
        "/runs?where=group+!%3D+1&before=end&trials=1",
        f"/runs/new?clone={filled['run']}",
    ]
    assert {"/", "/runs", "/datasets", f"/runs/{filled['run']}", f"/groups/{filled['group']}"} <= set(addresses)
    seen: dict[str, int] = {}
    for address in [*addresses, *more]:
        # The first look may change the session, when it enters the project.
        alice.get(address)
        with CaptureQueriesContext(connection) as queries:
            response = alice.get(address)
        assert response.status_code < 500, address
        if response.status_code == 200:
            seen[address] = len(queries)
    assert len(seen) > 15
    assert {address: number for address, number in seen.items() if number > MOST} == {}


def test_polled_parts(alice: Client, filled: dict[str, Any]) -> None:
    for address in (
        "/",
        "/searches",
        f"/runs/{filled['running']}",
        f"/groups/{filled['group']}",
        f"/searches/{filled['search']}",
    ):
        # The first look may change the session, when it enters the project.
        alice.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert alice.get(address, headers={"HX-Request": "true"}).status_code in (200, 204, 286)
        assert len(queries) <= MOST, address
