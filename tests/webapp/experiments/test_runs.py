import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.webapp.people import HOSTILE, PROTOCOL, People, finish, make_run, make_version
from webapp.datasets.models import Version
from webapp.experiments.models import Run


def order(body: str, runs: list[Run]) -> list[int]:
    return [run.pk for run in sorted(runs, key=lambda run: body.index(f">run-{run.pk}<"))]


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
    assert ">temporal, seen kept\n" in body
    assert ">leave-one-out, seen removed, imported candidates\n" in body
    assert f"{details} · full ranking over 240 items · " in alice.get(f"/runs/{run.pk - 1}").content.decode()
    assert "leave-one-out · imported candidates out of 240 items · " in alice.get(f"/runs/{run.pk}").content.decode()


def test_filters_and_order(alice: Client, version: Version) -> None:
    worse, better, queued = (
        finish(make_run(version), 0.01),
        finish(make_run(version), 0.2),
        make_run(version, preset="popularity"),
    )
    runs = [worse, better, queued]
    assert order(alice.get("/runs").content.decode(), runs) == [queued.pk, better.pk, worse.pk]
    assert order(alice.get("/runs?sort=ndcg").content.decode(), runs) == [better.pk, worse.pk, queued.pk]
    assert order(alice.get("/runs?sort=oldest").content.decode(), runs) == [worse.pk, better.pk, queued.pk]
    only = alice.get("/runs?state=succeeded&method=sasrec").content.decode()
    assert f">run-{queued.pk}<" not in only
    assert f">run-{better.pk}<" in only
    active = alice.get("/runs?state=active").content.decode()
    assert f">run-{queued.pk}<" in active
    assert f">run-{better.pk}<" not in active


def test_nonsense_in_the_address_shows_all(alice: Client, version: Version) -> None:
    run = make_run(version)
    response = alice.get("/runs", {"state": HOSTILE, "method": "x", "sort": "'", "page": "minus"})
    assert response.status_code == 200
    assert f">run-{run.pk}<" in response.content.decode()
    assert "<script>alert" not in response.content.decode()


def test_empty_says_what_to_do(alice: Client, version: Version) -> None:
    assert "Start the first one" in alice.get("/runs").content.decode()
    assert "Show all runs" in alice.get("/runs?state=lost").content.decode()


def test_polls_while_something_is_active(alice: Client, version: Version) -> None:
    run = make_run(version)
    poll = {"HX-Request": "true"}
    assert 'hx-trigger="every 3s"' in alice.get("/runs").content.decode()
    assert alice.get("/runs", headers=poll).status_code == 200
    finish(run)
    assert "hx-trigger" not in alice.get("/runs").content.decode()
    assert alice.get("/runs", headers=poll).status_code == 286


def test_charlie_sees_none(charlie: Client, people: People) -> None:
    make_run(make_version(people, "Secret plans"))
    assert "Secret plans" not in charlie.get("/runs").content.decode()


@pytest.mark.parametrize("address", ["/runs", "/runs?sort=ndcg&page=40", "/runs?state=active", "/"])
def test_two_thousand_runs(
    alice: Client, version: Version, address: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    run = finish(make_run(version))
    values = {field.name: getattr(run, field.name) for field in Run._meta.fields if field.name != "id"}
    Run.objects.bulk_create([Run(**{**values, "test": {"ndcg@10": index / 2000}}) for index in range(2000)])
    alice.get(address)
    with django_assert_max_num_queries(11):
        begin = timezone.now()
        response = alice.get(address)
        seconds = (timezone.now() - begin).total_seconds()
    assert response.status_code == 200
    assert seconds < 1, f"{address} took {seconds:.3f} s"
