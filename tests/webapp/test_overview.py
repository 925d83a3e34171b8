from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.webapp.fleet.machines import give_job, make_node
from tests.webapp.people import PROTOCOL, People, finish, group_run, make_group, make_run, make_version, report
from webapp.datasets.models import Version
from webapp.experiments.best import Best, best_row, newest_best
from webapp.experiments.models import Run
from webapp.searches.models import Search


def body_of(client: Client) -> str:
    return client.get("/").content.decode()


def make_search(version: Version, **values: Any) -> Search:
    known: dict[str, Any] = {"project": version.dataset.project, "number": 1, "plan": {"trials": 30}, "at_once": 2}
    return Search.objects.create(version=version, **{**known, **values})


def test_a_running_run_shows_its_newest_metric(alice: Client, version: Version) -> None:
    run = make_run(version, "running", attempt=1)
    report(run, 7)
    assert "NDCG@10 .0700 (valid, epoch 7)" in body_of(alice)


def test_a_failed_run_shows_what_to_do(alice: Client, version: Version) -> None:
    make_run(version, "failed", error="out of memory at batch 64", hint="Retry with batch 32")
    body = body_of(alice)
    assert "out of memory at batch 64" in body
    assert "Retry with batch 32" in body


def test_the_two_best_methods_of_each_version_and_protocol(version: Version, people: People) -> None:
    best = finish(make_run(version), 0.05)
    # Better on the test, but validation did not choose it.
    luckier = finish(make_run(version), 0.06)
    second = finish(make_run(version, preset="popularity"), 0.03)
    third = finish(make_run(version, preset="item-knn"), 0.9)
    for run, value in ((luckier, 0.06), (second, 0.05), (third, 0.04)):
        Run.objects.filter(pk=run.pk).update(valid={"ndcg@10": value})
    other = finish(make_run(version), 0.9)
    Run.objects.filter(pk=other.pk).update(protocol={**PROTOCOL, "seen": "keep"})
    elsewhere = finish(make_run(make_version(people)), 0.01)
    found = newest_best(people.project, 4)
    assert [[run.pk for run in entry.runs] for entry in found] == [[elsewhere.pk], [other.pk], [best.pk, second.pk]]
    row = best_row(found[2])
    assert [run["ndcg"] for run in row["runs"]] == [".0500", ".0300"]
    assert row["protocol"] == "leave-one-out, seen removed"
    assert row["p"] == ""


def test_an_interval_is_shown_where_a_run_has_one(version: Version) -> None:
    run = finish(make_run(version))
    run.ndcg = 0.0571  # type: ignore[attr-defined]
    for found, text in (({"test": {"ndcg@10": [0.0559, 0.0583]}}, ".0559 to .0583"), ({}, ""), ({"test": {}}, "")):
        run.intervals = found
        assert best_row(Best([run]))["runs"][0]["interval"] == text


def test_the_p_value_of_a_stored_comparison(alice: Client, version: Version) -> None:
    group = make_group(version, ("base", "sasrec"), (0,))
    base, other = (finish(group_run(group, label, 0), value) for label, value in (("base", 0.06), ("sasrec", 0.05)))
    Run.objects.filter(pk=other.pk).update(method="sasrec")
    other.variant.comparison = {"runs": [other.pk], "base": [base.pk], "values": {"p": 0.003}}
    other.variant.save()
    Run.objects.filter(pk=group.source_id).delete()
    assert "p .003" in body_of(alice)


def test_what_else_is_at_work(alice: Client, version: Version, people: People) -> None:
    make_search(version)
    make_search(version, number=2, state="finished")
    make_version(people, "Music", state="ingesting", progress={"step": "reading interactions", "done": 5, "of": 10})
    body = body_of(alice)
    for text in ("<b>search-1</b>", "0 of 30 done", "<b>Music v1</b>", "reading interactions"):
        assert text in body, text
    assert "search-2" not in body
    assert 'hx-trigger="every 3s"' in body


def test_reviews_are_shown_to_curators_alone(alice: Client, bob: Client, people: People) -> None:
    make_version(people, review="submitted")
    assert "1 version to review" in body_of(alice)
    assert "to review" not in body_of(bob)


def test_the_workers_line(alice: Client, version: Version) -> None:
    assert "No worker runs" in body_of(alice)
    make_node("io-1", ("io",))
    assert "No worker listens to gpu" not in body_of(alice)
    make_run(version)
    assert "No worker listens to gpu: nothing of it begins." in body_of(alice)
    give_job(make_node(), make_run(version))
    body = body_of(alice)
    assert "No worker listens" not in body
    for text in ("gpu-1@host", "NVIDIA H100 71.0 GB of 80.0 GB", "io-1@host"):
        assert text in body, text


def test_at_most_ten_queries_with_everything_on_it(
    alice: Client, version: Version, people: People, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(8):
        finish(make_run(version))
        finish(make_run(version, preset="popularity"))
        make_run(version, "failed", error="no", hint="do")
        give_job(make_node(f"gpu-{number}"), make_run(version), pid=number)
        report(make_run(version, "running", queued_at=timezone.now() - timedelta(hours=1)), 2)
        make_search(version, number=number)
        make_version(people, f"Music {number}", state="queued")
    with django_assert_max_num_queries(10):
        body = body_of(alice)
    assert body.count('aria-label="progress of run-') == 5


def test_what_is_at_work_stands_before_what_waits(alice: Client, version: Version) -> None:
    going = make_run(version, "running")
    waiting = [make_run(version) for _ in range(6)]
    body = body_of(alice)
    assert body.index(f"<b>run-{going.pk}</b>") < body.index(f"<b>run-{waiting[-1].pk}</b>")
    assert f"<b>run-{waiting[0].pk}</b>" not in body
