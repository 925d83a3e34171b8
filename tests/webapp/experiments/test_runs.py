"""The list of runs as a page."""

import html
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.webapp.people import HOSTILE, PROTOCOL, People, finish, make_group, make_run, make_version
from tests.webapp.searches.planting import add_trial, make_search, uniform
from webapp.datasets.models import Version
from webapp.experiments.fields import fields
from webapp.experiments.models import Run, RunColumns, RunStar


def order(body: str, runs: list[Run]) -> list[int]:
    return [run.pk for run in sorted(runs, key=lambda run: body.index(f">run-{run.pk}<"))]


def listed(body: str) -> list[int]:
    return [int(number) for number in re.findall(r'class="whole" href="/runs/(\d+)"', body)]


def link(body: str, words: str) -> str:
    found = re.search(rf'<a href="(\?[^"]*)"[^>]*>{words}</a>', body)
    assert found, words
    return "/runs" + html.unescape(found[1])


def test_rows(alice: Client, version: Version) -> None:
    finish(make_run(version))
    make_run(version, "running", "darec-nano", progress={"fraction": 0.61})
    body = alice.get("/runs").content.decode()
    for text in (".0571", "leave-one-out, seen removed", "✓", "succeeded", "●", "61 %", "Beauty v1", "DARec", "darec-nano"):
        assert text in body, text
    for run in Run.objects.all():
        assert f'href="/runs/{run.pk}"' in body


def test_rows_name_the_kind_of_split_and_what_else_is_special(alice: Client, version: Version) -> None:
    details = "temporal (validation from 1998-03-06, test from 1998-03-31)"
    for protocol in ({"split": details, "seen": "keep"}, {"candidates": "imported"}):
        run = finish(make_run(version))
        run.protocol = {**PROTOCOL, **protocol}
        run.save()
    body = alice.get("/runs").content.decode()
    assert ">temporal, seen kept<" in body
    assert ">leave-one-out, seen removed, imported candidates<" in body
    assert f"{details} · full ranking over 240 items · " in alice.get(f"/runs/{run.pk - 1}").content.decode()
    assert "leave-one-out · imported candidates out of 240 items · " in alice.get(f"/runs/{run.pk}").content.decode()


def test_quick_filters_and_order(alice: Client, version: Version) -> None:
    worse, better = finish(make_run(version), 0.01), finish(make_run(version), 0.2)
    queued = make_run(version, preset="popularity")
    runs = [worse, better, queued]
    assert order(alice.get("/runs").content.decode(), runs) == [queued.pk, better.pk, worse.pk]
    for sort in ("ndcg", "-test.ndcg@10"):
        assert order(alice.get("/runs", {"sort": sort}).content.decode(), runs) == [better.pk, worse.pk, queued.pk]
    assert order(alice.get("/runs?sort=test.ndcg@10").content.decode(), runs) == [worse.pk, better.pk, queued.pk]
    assert order(alice.get("/runs?sort=oldest").content.decode(), runs) == [worse.pk, better.pk, queued.pk]
    assert listed(alice.get("/runs?state=succeeded&method=sasrec").content.decode()) == [better.pk, worse.pk]
    assert listed(alice.get("/runs?state=active").content.decode()) == [queued.pk]


def test_the_filter_builder_makes_an_address_that_can_be_shared(alice: Client, version: Version) -> None:
    first, _ = make_run(version), finish(make_run(version))
    first.spec["training"]["seed"] = 3
    first.save()
    typed = {"state": "active", "field": "training.seed", "sign": "=", "value": "3", "q": "", "after": "x"}
    response = alice.get("/runs", typed)
    assert response.status_code == 302
    assert response["Location"] == "/runs?state=active&where=training.seed+%3D+3"
    body = alice.get(response["Location"]).content.decode()
    assert listed(body) == [first.pk]
    assert "training.seed is 3" in body
    assert link(body, "\N{MULTIPLICATION SIGN}") == "/runs?state=active"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"where": "training.seeed = 3"}, "There is no field &#x27;training.seeed&#x27;. Did you mean training.seed"),
        ({"where": "method.rank >= 8"}, "Did you mean method.architecture.rank?"),
        ({"where": "test.ndcg@10 > much"}, "must be a number"),
        ({"where": "state = asleep"}, "Choose one of: active, ended, queued"),
        ({"where": "created > yesterday"}, "Write 2026-11-26"),
        ({"where": "tag > 3"}, "it cannot be asked whether it is more than something"),
        ({"where": HOSTILE}, "is no condition"),
        ({"where": "protocol = x"}, "can only be shown"),
        ({"state": HOSTILE}, "none of its values"),
        ({"method": "x"}, "none of its values"),
        ({"sort": "notes"}, "cannot be sorted by notes"),
        ({"sort": "'"}, "There is no field"),
        ({"columns": "state,nothing"}, "There is no field &#x27;nothing&#x27;"),
    ],
)
def test_what_makes_no_sense_is_named_and_left_out(alice: Client, version: Version, query: dict[str, str], said: str) -> None:
    run = make_run(version)
    response = alice.get("/runs", query)
    body = response.content.decode()
    assert response.status_code == 200
    assert said in body
    assert "was left out" in body
    assert listed(body) == [run.pk]
    assert "<script>alert" not in body


@pytest.mark.parametrize("cursor", ["minus", "[1]", '["x",1]', "[null,99999999999999999999]", "[NaN,1]", "[{},1]", "[" * 3000])
@pytest.mark.parametrize("sort", ["", "-seconds", "method", "started", "training.seed", "data"])
def test_nonsense_as_a_cursor_shows_a_page(alice: Client, version: Version, sort: str, cursor: str) -> None:
    finish(make_run(version))
    for side in ("after", "before"):
        assert alice.get("/runs", {"sort": sort, side: cursor}).status_code == 200


@pytest.mark.parametrize("text", ["a\x00b", "%", "\\", "'", '"', "$.x", "[", "{}", "🦄", HOSTILE, "1e999", "9" * 30, "nan"])
def test_any_value_is_answered(alice: Client, version: Version, text: str) -> None:
    finish(make_run(version))
    fields = ("id", "tag", "training.seed", "method.backbone", "split.kind", "notes", "seconds", "created", "group", "test.hr@10")
    for field in fields:
        for sign in ("=", "!=", ">", "~"):
            assert alice.get("/runs", {"where": f"{field} {sign} {text}"}).status_code == 200, (field, sign)
    assert alice.get("/runs", {"q": text}).status_code == 200


def test_pages_follow_each_other_both_ways(alice: Client, version: Version) -> None:
    runs = [make_run(version, "failed", seconds=None if index % 7 == 0 else float(index % 5)) for index in range(120)]
    for sort in ("", "-seconds", "seconds", "method", "training.seed", "-data", "created", "-id"):
        forward: list[int] = []
        body = alice.get("/runs", {"sort": sort}).content.decode()
        forward += listed(body)
        while 'rel="next"' in body:
            body = alice.get(link(body, "Next")).content.decode()
            forward += listed(body)
        assert sorted(forward) == sorted(run.pk for run in runs), sort
        backward = listed(body)
        while 'rel="prev"' in body:
            body = alice.get(link(body, "Previous")).content.decode()
            backward = listed(body) + backward
        assert backward == forward, sort
    assert "120 runs" in body
    last = alice.get(link(alice.get("/runs").content.decode(), "Last")).content.decode()
    assert listed(last)[-1] == runs[0].pk
    assert 'rel="next"' not in last


def test_columns_are_chosen_and_remembered(alice: Client, bob: Client, people: People, version: Version) -> None:
    finish(make_run(version, tags=[HOSTILE]))
    send = {"here": "state=succeeded", "column": ["tag", "state"], "more": "training.seed, test.mrr@20, nonsense", "keep": "1"}
    response = alice.post("/runs/columns", send, follow=True)
    body = response.content.decode()
    assert "There is no field &#x27;nonsense&#x27;" in body
    assert RunColumns.objects.get(user=people.alice).names == ["tag", "state", "training.seed", "test.mrr@20"]
    assert response.redirect_chain[0][0] == "/runs?state=succeeded&columns=tag%2Cstate%2Ctraining.seed%2Ctest.mrr%4020"
    again = alice.get("/runs").content.decode()
    assert "MRR@20, test" in again
    assert "Protocol" not in again.split("<tbody>")[0].split("<thead>")[1]
    assert "<script>alert" not in again
    assert "Protocol" in bob.get("/runs").content.decode().split("<tbody>")[0].split("<thead>")[1]


def test_every_field_can_be_a_column(alice: Client, version: Version) -> None:
    group = make_group(version)
    search = make_search(version)
    add_trial(search, uniform(4, 8))
    finish(make_run(version, "running", notes=HOSTILE, tags=["a"], error=HOSTILE))
    names = list(fields())
    for start in range(0, len(names), 20):
        query = {"columns": ",".join(names[start : start + 20]), "trials": "1"}
        body = alice.get("/runs", query).content.decode()
        assert "<script>alert" not in body
        assert f">run-{group.source_id}<" in body
    for name, field in fields().items():
        if field.sortable:
            assert alice.get("/runs", {"sort": name}).status_code == 200


def test_trials_are_hidden_until_asked_for(alice: Client, version: Version) -> None:
    run, trial = make_run(version), add_trial(make_search(version), uniform(4, 8)).run
    assert listed(alice.get("/runs").content.decode()) == [run.pk]
    assert "trials of searches are hidden" in alice.get("/runs").content.decode()
    assert set(listed(alice.get("/runs?trials=1").content.decode())) == {run.pk, trial.pk}
    assert listed(alice.get("/runs", {"where": "search = search-1"}).content.decode()) == [trial.pk]


def test_empty_says_what_to_do(alice: Client, version: Version) -> None:
    assert "Start the first one" in alice.get("/runs").content.decode()
    assert "Show all runs" in alice.get("/runs?state=lost").content.decode()


def test_only_rows_that_are_active_are_polled_and_only_what_changed_is_sent(alice: Client, version: Version) -> None:
    finish(make_run(version))
    assert "hx-trigger" not in alice.get("/runs").content.decode()
    run = make_run(version, "running", progress={"fraction": 0.5})
    body = alice.get("/runs").content.decode()
    found = re.search(r'id="runs-poller" hx-get="([^"]+)" hx-trigger="every 3s" hx-swap="none"', body)
    assert found
    address, poll = html.unescape(found[1]), {"HX-Request": "true"}
    assert f"rows={run.pk}&" in address
    assert alice.get(address, headers=poll).status_code == 204
    Run.objects.filter(pk=run.pk).update(progress={"fraction": 0.75})
    changed = alice.get(address, headers=poll)
    assert changed.status_code == 200
    assert f'id="cell-{run.pk}-0" hx-swap-oob="innerHTML"' in changed.content.decode()
    assert "75 %" in changed.content.decode()
    assert 'id="runs-poller" hx-get' in changed.content.decode()
    finish(run)
    ended = alice.get(address, headers=poll)
    assert ended.status_code == 286
    assert "succeeded" in ended.content.decode()
    assert 'id="runs-poller" hx-swap-oob="outerHTML"' in ended.content.decode()


def test_a_poll_is_cheap(alice: Client, version: Version) -> None:
    make_run(version, "running", progress={"fraction": 0.5})
    found = re.search(r'id="runs-poller" hx-get="([^"]+)"', alice.get("/runs").content.decode())
    assert found
    with CaptureQueriesContext(connection) as queries:
        alice.get(html.unescape(found[1]), headers={"HX-Request": "true"})
    assert len(queries) <= 5


def test_charlie_sees_none(charlie: Client, people: People) -> None:
    run = make_run(make_version(people, "Secret plans"))
    for address in ("/runs", f"/runs?where=id+%3D+{run.pk}", f"/runs?before=[null,{run.pk - 1}]"):
        assert "Secret plans" not in charlie.get(address).content.decode()
    poll = charlie.get(f"/runs?rows={run.pk}&seen=x", headers={"HX-Request": "true"})
    assert f"cell-{run.pk}" not in poll.content.decode()


def test_stars_are_everybodys_own(alice: Client, bob: Client, people: People, version: Version) -> None:
    run, _ = make_run(version), make_run(version)
    RunStar.objects.create(run=run, user=people.alice)
    address = "/runs?where=starred+%3D+yes"
    assert listed(alice.get(address).content.decode()) == [run.pk]
    assert listed(bob.get(address).content.decode()) == []


@pytest.mark.parametrize(
    "address",
    ["/runs", "/runs?sort=ndcg&before=end", "/runs?state=active", "/runs?where=training.seed+%3D+0&sort=training.seed", "/"],
)
def test_two_thousand_runs(alice: Client, version: Version, address: str) -> None:
    run = finish(make_run(version))
    values = {field.name: getattr(run, field.name) for field in Run._meta.fields if field.name != "id"}
    Run.objects.bulk_create([Run(**{**values, "test": {"ndcg@10": index / 2000}}) for index in range(2000)])
    alice.get(address)
    with CaptureQueriesContext(connection) as queries:
        begin = timezone.now()
        response = alice.get(address)
        seconds = (timezone.now() - begin).total_seconds()
    assert response.status_code == 200
    assert len(queries) <= 10
    assert not [query["sql"] for query in queries if " OFFSET " in query["sql"]]
    assert seconds < 1, f"{address} took {seconds:.3f} s"
