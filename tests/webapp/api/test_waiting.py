"""Long polls and streams against the real ASGI application: events are awaited, nobody sleeps."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.webapp.api.live import PATIENCE, Live, live_asgi, messages, token_of
from tests.webapp.people import HOSTILE, People, finish, make_people, make_run, make_version, report
from tests.webapp.searches.planting import make_search
from webapp.api import sse
from webapp.api.watch import RUNS
from webapp.experiments.models import Run, RunEvent, RunState
from webapp.searches.models import Search

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[Live]:
    with live_asgi() as live:
        yield live


@pytest.fixture
def people(transactional_db: None) -> People:
    return make_people()


class Asked:
    """A question that is waiting for its answer in a thread of its own."""

    def __init__(self, live: Live, people: People, path: str, *, revoke: bool = False) -> None:
        self.began = threading.Event()
        self.answer: Any = None
        self._thread = threading.Thread(target=self._ask, args=(live, token_of(people.bob), path))
        self._thread.start()
        # The head comes before the wait begins.
        assert self.began.wait(PATIENCE)
        if revoke:
            people.bob.api_tokens.filter(pk=people.bob.api_tokens.latest("pk").pk).update(revoked_at=timezone.now())

    def _ask(self, live: Live, token: str, path: str) -> None:
        with live.open_with(token, path) as response:
            self.began.set()
            self.answer = json.loads(response.read())

    def get(self) -> Any:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        return self.answer


def test_a_long_poll_is_answered_by_the_change(server: Live, people: People) -> None:
    run = make_run(make_version(people), "running", attempt=1)
    before = server.get(people.bob, f"/runs/{run.pk}")
    asked = Asked(server, people, f"/runs/{run.pk}?wait=60&seen={before['stamp']}")
    Run.objects.filter(pk=run.pk).update(progress={"fraction": 0.5})
    after = asked.get()
    assert after["progress"] == {"fraction": 0.5}
    assert after["stamp"] != before["stamp"]
    assert set(after) == set(before)
    asked = Asked(server, people, f"/runs/{run.pk}?wait=60&seen={after['stamp']}")
    finish(Run.objects.get(pk=run.pk))
    assert asked.get()["state"] == "succeeded"


def test_a_long_poll_with_nothing_new_ends_in_time(server: Live, people: People) -> None:
    run = make_run(make_version(people), "running")
    answer = server.get(people.bob, f"/runs/{run.pk}?wait=0.5")
    assert answer["state"] == "running"


def test_what_has_changed_or_ended_is_answered_at_once(server: Live, people: People) -> None:
    version = make_version(people)
    run, done = make_run(version, "running"), finish(make_run(version))
    assert server.get(people.bob, f"/runs/{run.pk}?wait=60&seen=older")["id"] == run.pk
    assert server.get(people.bob, f"/runs/{done.pk}?wait=60")["id"] == done.pk


def test_who_is_sent_away_meanwhile_gets_what_they_could_see(server: Live, people: People) -> None:
    run = make_run(make_version(people), "running")
    asked = Asked(server, people, f"/runs/{run.pk}?wait=60")
    people.bob.memberships.all().delete()
    Run.objects.filter(pk=run.pk).update(progress={"fraction": 0.9})
    assert asked.get()["progress"] == {}


def test_many_that_wait_hold_no_connection(server: Live, people: People) -> None:
    run = make_run(make_version(people), "running")
    asked = [Asked(server, people, f"/runs/{run.pk}?wait=60") for _ in range(12)]
    with connection.cursor() as cursor:
        # At most the one look that all of them share, and this connection.
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type ~ 'client'")
        assert cursor.fetchone()[0] <= 3
    Run.objects.filter(pk=run.pk).update(state="cancelled", finished_at=timezone.now())
    assert {one.get()["state"] for one in asked} == {"cancelled"}


def test_a_search_is_waited_for(server: Live, people: People) -> None:
    search = make_search(make_version(people))
    asked = Asked(server, people, f"/searches/{search.pk}?wait=60")
    Search.objects.filter(pk=search.pk).update(state="paused")
    assert asked.get()["state"] == "paused"


def test_a_stream_says_all_and_ends_with_the_run(server: Live, people: People) -> None:
    run = make_run(make_version(people), "running", attempt=1)
    report(run, 2)
    stream = server.open(people.bob, f"/runs/{run.pk}/stream")
    assert stream.status == 200
    assert stream.getheader("Content-Type") == "text/event-stream; charset=utf-8"
    came = messages(stream)
    first = [next(came) for _ in range(6)]
    assert [one.event for one in first] == ["metric"] * 4 + ["log", "state"]
    assert [one.id for one in first] == [f"1.{number}" for number in range(5)] + [""]
    assert first[4].data["payload"]["message"] == f"read {HOSTILE}"
    RunEvent.objects.create(
        run=run, attempt=1, sequence=5, type="warning", payload={"message": "a\nevent: end"}, created_at=timezone.now()
    )
    warned = next(came)
    assert (warned.id, warned.event, warned.data["payload"]["message"]) == ("1.5", "warning", "a\nevent: end")
    Run.objects.filter(pk=run.pk).update(state=RunState.FAILED, error="No memory.", finished_at=timezone.now())
    state = next(came)
    assert (state.event, state.data["state"], state.data["error"]) == ("state", "failed", "No memory.")
    assert [one.event for one in came] == ["end"]


def test_a_stream_goes_on_where_it_was(server: Live, people: People) -> None:
    run = make_run(make_version(people), "failed", attempt=1)
    report(run, 2)
    address = f"/runs/{run.pk}/stream"
    again = messages(server.open(people.bob, address, **{"Last-Event-ID": "1.2"}))
    assert [one.id for one in again] == ["1.3", "1.4", "", ""]
    assert [one.id for one in messages(server.open(people.bob, f"{address}?after=1.3"))] == ["1.4", "", ""]
    assert server.status(people.bob, address, **{"Last-Event-ID": "1.4"}) == 204
    assert server.status(people.bob, address, **{"Last-Event-ID": "nonsense"}) == 422
    assert server.status(people.charlie, address) == 404


def test_a_stream_is_bounded_and_says_that_it_is_alive(server: Live, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "LONGEST", 1.0)
    monkeypatch.setattr(sse, "_ALIVE", 0.2)
    run = make_run(make_version(people), "running", attempt=1)
    text = server.open(people.bob, f"/runs/{run.pk}/stream").read().decode()
    assert text.startswith("retry: 2000\n\nevent: state\n")
    assert ": still here\n\n" in text
    assert "event: end" not in text


def test_who_goes_away_is_waited_for_no_longer(server: Live, people: People) -> None:
    run = make_run(make_version(people), "running", attempt=1)
    stream = server.open(people.bob, f"/runs/{run.pk}/stream")
    assert next(messages(stream)).event == "state"
    stream.close()
    # Another one waits meanwhile, and is answered as ever.
    asked = Asked(server, people, f"/runs/{run.pk}?wait=60")
    Run.objects.filter(pk=run.pk).update(progress={"fraction": 0.1})
    assert asked.get()["progress"] == {"fraction": 0.1}


def test_a_stream_ends_with_a_run_that_is_deleted(server: Live, people: People) -> None:
    run = make_run(make_version(people), "running", attempt=1)
    came = messages(server.open(people.bob, f"/runs/{run.pk}/stream"))
    assert next(came).event == "state"
    Run.objects.filter(pk=run.pk).delete()
    assert [(one.event, one.data["gone"]) for one in came] == [("end", True)]


def test_a_server_that_is_not_asynchronous_waits_too(people: People) -> None:
    run = make_run(make_version(people), "running")
    known = RUNS.sight(run.pk)
    assert known is not None
    assert RUNS.change_here(run.pk, known, 0.1) == known
    Run.objects.filter(pk=run.pk).update(state="cancelled")
    assert RUNS.change_here(run.pk, known, PATIENCE) != known


def test_who_is_known_waits_as_well_and_a_token_revoked_meanwhile_tells_no_more(server: Live, people: People) -> None:
    run = make_run(make_version(people), "running", attempt=1)
    stamp = server.get(people.bob, f"/runs/{run.pk}")["stamp"]
    asked = Asked(server, people, f"/runs/{run.pk}?wait=60&seen={stamp}")
    revoked = Asked(server, people, f"/runs/{run.pk}?wait=60", revoke=True)
    report(run, 1)
    Run.objects.filter(pk=run.pk).update(notes="no change of its state")
    Run.objects.filter(pk=run.pk).update(progress={"fraction": 0.5})
    assert asked.get()["progress"] == {"fraction": 0.5}
    assert revoked.get()["progress"] == {}
