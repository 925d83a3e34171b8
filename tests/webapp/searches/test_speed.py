import time

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.webapp.searches.planting import make_search, plant
from webapp import polling
from webapp.datasets.models import Version
from webapp.searches.board import load

POLL = {"HX-Request": "true"}


def fastest(client: Client, address: str, times: int = 8) -> float:
    """Processor seconds of the quickest of some polls: other work shares the machine."""
    found = []
    for _ in range(times):
        begin = time.process_time()
        client.get(address, headers=POLL)
        found.append(time.process_time() - begin)
    return min(found)


def test_a_poll_with_a_hundred_trials_of_32_layers_is_cheap(
    alice: Client,
    version: Version,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Nothing is shared: each poll is made anew.
    monkeypatch.setattr(polling, "_KEPT", 0)
    search = make_search(version, settings={"trials": 120})
    plant(search, 32, 100, running=2)
    address = f"/searches/{search.pk}"
    same = f"{address}?seen={load(search).stamp}"
    alice.get(address)
    with django_assert_max_num_queries(10):
        alice.get(address, headers=POLL)
    quiet, changed = fastest(alice, same), fastest(alice, address)
    print(f"unchanged {quiet * 1000:.0f} ms, changed {changed * 1000:.0f} ms")
    assert len(alice.get(same, headers=POLL).content) < 10_000
    assert quiet < 0.1, f"{quiet:.3f} s"
    assert changed < 0.5, f"{changed:.3f} s"
