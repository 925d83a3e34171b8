"""The demo's search: what is launched, what is said while it runs, and how its end reads."""

import io

import pytest
from rich.console import Console

from deploy.local.demo import follow, search
from tests.webapp.people import People
from tests.webapp.searches.planting import add_trial, finish_search, make_search, plant, uniform
from webapp.datasets.models import Version
from webapp.searches.models import Search, SearchState

pytestmark = pytest.mark.django_db


def _printed() -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=100, highlight=False), text


def test_an_unfinished_search_is_taken_up_and_a_finished_one_is_not(version: Version, people: People) -> None:
    first = search.launch(version, people.alice)
    assert first.plan["trials"] == search.TRIALS
    assert first.plan["run"]["training"]["minutes"] == search.REAL_MINUTES
    assert search.launch(version, people.alice) == first
    Search.objects.update(state=SearchState.FINISHED)
    assert search.launch(version, people.alice) != first
    version.dataset.generated = True
    assert search.plan_for(version).run.training.minutes == search.GENERATED_MINUTES


def test_watching_says_what_moves_and_ends_with_the_search(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LOOK_SECONDS", 0.0)
    console, text = _printed()
    watched = make_search(version)
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            add_trial(watched, uniform(3, 8), 0.04)
            add_trial(watched, uniform(3, 4))
        if looks == 5:
            Search.objects.update(state=SearchState.FAILED, message="All trials failed.", hint="Read the logs.")

    search.watch(watched, console, look)
    lines = text.getvalue().splitlines()
    assert len(lines) == len(set(lines))
    assert "search-1 running · 0 of 5 trials" in lines[0]
    assert "1 of 5 trials · best valid NDCG@10 0.0400 · trial 1" in lines[1]
    assert looks == 5
    search.result(console, watched)
    assert "search-1 failed: All trials failed. Read the logs." in text.getvalue()


def test_the_end_shows_the_winner_and_the_verdict(version: Version) -> None:
    console, text = _printed()
    ended = make_search(version)
    plant(ended, layers=3, trials=4)
    search.result(console, finish_search(ended))
    assert search.finished(ended)
    printed = text.getvalue()
    assert ended.answer["verdict"].partition(":")[0] in printed
    assert "the winner of 5 trials, layer by layer" in printed
