"""The pages on which people find out why a run ended, and let it go on."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.webapp.experiments.test_resuming import checkpoint, make_trial
from tests.webapp.people import HOSTILE, People, finish, make_group, make_run, report
from webapp.datasets.models import Version
from webapp.experiments.models import AttemptRecord, Ending, Run

POLL = {"HX-Request": "true"}
PROGRESS = {"phase": "training SASRec", "done": 120, "total": 400, "unit": "steps", "fraction": 0.3, "epoch": 3}


def failed(version: Version, kind: str = "ours", **values: object) -> Run:
    now = timezone.now()
    run = make_run(
        version, "failed", attempt=2, worker="gpu-1:42", progress=PROGRESS, error="It broke.", hint="Mend it.",
        remedy={"kind": kind}, started_at=now - timedelta(seconds=75), finished_at=now,
    )  # fmt: skip
    for name, value in values.items():
        setattr(run, name, value)
    run.save()
    checkpoint(run, 50, 1200, attempt=2, epoch=3)
    return run


def buttons(body: str) -> list[str]:
    """The words on the buttons of the panel, in order; the first is the filled one."""
    panel = body[body.index('id="ended"') :]
    return re.findall(r'class="button(?: second)?" id="[a-z-]+"[^>]*>([^<]+)<', panel[: panel.index("</section>")])


def page(client: Client, run: Run) -> str:
    return client.get(f"/runs/{run.pk}").content.decode()


def test_a_failed_run_says_what_where_and_what_to_do(alice: Client, version: Version) -> None:
    run = failed(version)
    report(run, 1)
    body = page(alice, run)
    panel = body[body.index('id="ended"') :]
    place = "while training SASRec, epoch 3, step 120 of 400"
    texts = ["It broke.", "Mend it.", place, "attempt 2 on gpu-1:42", "after 1 min 15 s"]
    places = [panel.index(text) for text in texts]
    assert places == sorted(places)
    assert buttons(body) == ["Resume at step 1,200 of epoch 3", "Clone and change"]
    assert "<script>alert" not in panel
    assert "reference" not in panel[: panel.index("</section>")]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("memory", ["Retry with batch 16", "Clone and change", "Resume at step 1,200 of epoch 3"]),
        ("lost", ["Resume at step 1,200 of epoch 3", "Retry with batch 16", "Clone and change"]),
    ],
)
def test_where_a_change_may_help_it_is_offered(alice: Client, version: Version, kind: str, words: list[str]) -> None:
    run = failed(version, remedy={"kind": kind, "label": "Retry with batch 16", "settings": {"training.batch_size": 16}})
    body = page(alice, run)
    assert buttons(body) == words
    address = f"/runs/new?clone={run.pk}&training.batch_size=16"
    assert address.replace("&", "&amp;") in body
    form = alice.get(address).content.decode()
    field = form[form.index('id="training.batch_size"') :]
    assert 'value="16"' in field[:200]


def test_a_mistake_in_the_settings_asks_for_other_settings_first(alice: Client, version: Version) -> None:
    assert buttons(page(alice, failed(version, "mistake")))[0] == "Clone and change"


def test_settings_in_an_address_are_text_and_unknown_ones_are_left_out(alice: Client, version: Version) -> None:
    run = make_run(version)
    response = alice.get("/runs/new", {"clone": str(run.pk), "training.epochs": HOSTILE, "no.such": "1"})
    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()


def test_a_cancelled_run_can_go_on_or_be_extended(alice: Client, version: Version) -> None:
    run = failed(version, remedy={}, state="cancelled", error="", hint="")
    body = page(alice, run)
    assert buttons(body) == ["Resume at step 1,200 of epoch 3", "Extend", "Clone and change"]
    assert "Cancelled at" in body
    early = make_run(version, "cancelled")
    assert buttons(page(alice, early)) == ["Start again", "Clone and change"]


def test_a_trial_that_was_counted_says_so(alice: Client, people: People, version: Version) -> None:
    run = failed(version)
    make_trial(people, run, "failed")
    body = page(alice, run)
    assert buttons(body) == ["Clone and change"]
    assert "search-7 has counted this trial as failed" in body


def test_resume(people: People, version: Version) -> None:
    run = failed(version)
    researcher = people.client("bob", "researcher")
    response = researcher.post(f"/runs/{run.pk}/resume", follow=True)
    body = response.content.decode()
    assert "It resumes at step 1,200 of epoch 3." in body
    assert 'id="ended"' not in body
    assert "30 %" in body, "how far it had come stays"
    run.refresh_from_db()
    assert run.state == "queued"
    assert researcher.post(f"/runs/{run.pk}/resume").status_code == 302
    Run.objects.update(state="succeeded")
    assert "nothing to resume" in researcher.post(f"/runs/{run.pk}/resume", follow=True).content.decode()


def test_extend(alice: Client, version: Version) -> None:
    run = finish(make_run(version, preset="darec-nano"))
    assert 'id="to-extend"' in page(alice, run)
    form = alice.get(f"/runs/{run.pk}/extend").content.decode()
    epochs = run.spec["training"]["epochs"]
    assert f'name="epochs" value="{2 * epochs if run.spec["training"]["minutes"] is None else epochs}"' in form
    assert "the CF model of the first stage stays as it is" in form
    refused = alice.post(f"/runs/{run.pk}/extend", {"epochs": "1", "minutes": "", "patience": "x"})
    assert refused.status_code == 422
    values = {"epochs": str(10 * epochs), "minutes": "", "patience": "50"}
    response = alice.post(f"/runs/{run.pk}/extend", values, follow=True)
    longer = Run.objects.get(continues=run)
    assert response.redirect_chain == [(f"/runs/{longer.pk}", 302)]
    body = response.content.decode()
    assert f"goes on where {run} ended." in body
    assert f'href="/runs/{run.pk}" id="to-continued"' in body
    assert f'href="/runs/{longer.pk}" id="to-continuation"' in page(alice, run)
    assert alice.post(f"/runs/{run.pk}/extend", values)["Location"] == f"/runs/{longer.pk}"
    assert Run.objects.count() == 2


def test_problems_stand_at_their_fields(alice: Client, version: Version) -> None:
    run = finish(make_run(version))
    body = alice.post(f"/runs/{run.pk}/extend", {"epochs": "3", "minutes": "", "patience": "10"}).content.decode()
    assert "Got 3, must be 200 or more" in body
    assert 'name="epochs" value="3"' in body


def test_a_run_that_stopped_early_says_that_epochs_alone_do_not_help(alice: Client, version: Version) -> None:
    run = finish(make_run(version))
    Run.objects.filter(pk=run.pk).update(epochs=31, best_epoch=21)
    body = alice.get(f"/runs/{run.pk}/extend").content.decode()
    assert "stopped early" in body
    assert 'name="patience" value="20"' in body


def test_what_trains_nothing_is_not_extended(alice: Client, version: Version) -> None:
    run = finish(make_run(version, preset="popularity"))
    Run.objects.filter(pk=run.pk).update(epochs=0, trainable_parameters=0)
    assert 'id="to-extend"' not in page(alice, run)
    assert "trains nothing" in alice.get(f"/runs/{run.pk}/extend").content.decode()


def test_attempts(alice: Client, version: Version, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    run = failed(version)
    now = timezone.now()
    for number, ending, reason in ((1, Ending.LOST, "its process was killed (SIGKILL)"), (2, Ending.FAILED, "It broke.")):
        AttemptRecord.objects.create(
            run=run, number=number, worker=f"gpu-{number}:42", started_at=now, ended_at=now, ending=ending, reason=reason,
            reached=PROGRESS,
        )  # fmt: skip
    page(alice, run)
    with django_assert_max_num_queries(10):
        body = page(alice, run)
    table = re.sub(r"<[^>]*>", " ", body[body.index('id="attempts"') :])
    words = " ".join(table.split())
    assert words.index("gpu-2:42 failed It broke.") < words.index("gpu-1:42 lost Its process was killed (SIGKILL)")
    assert "while training SASRec, epoch 3, step 120 of 400" in words
    assert 'id="attempts"' not in page(alice, finish(make_run(version)))


def test_a_succeeded_run_of_many_attempts_stays_within_ten_queries(
    alice: Client, version: Version, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    run = finish(make_run(version, continues=make_run(version)))
    Run.objects.filter(pk=run.pk).update(attempt=3)
    report(run, 3)
    page(alice, run)
    with django_assert_max_num_queries(10):
        page(alice, run)


def test_the_refresh_of_a_run_that_has_just_failed_brings_the_panel(alice: Client, version: Version) -> None:
    response = alice.get(f"/runs/{failed(version).pk}", headers=POLL)
    assert response.status_code == 286
    assert 'id="ended"' in response.content.decode()


def test_no_eta_while_it_waits(alice: Client, version: Version) -> None:
    run = make_run(version, "running", attempt=1, progress={**PROGRESS, "eta_seconds": 731})
    assert "ETA" in page(alice, run)
    Run.objects.update(state="queued")
    body = page(alice, run)
    assert "ETA" not in body
    assert "it starts anew" in body


def test_bob_sees_but_may_do_nothing(bob: Client, version: Version) -> None:
    run = failed(version)
    body = page(bob, run)
    assert "It broke." in body
    assert buttons(body) == []
    assert bob.post(f"/runs/{run.pk}/resume").status_code == 403
    assert bob.get(f"/runs/{run.pk}/extend").status_code == 403
    assert bob.post(f"/runs/{run.pk}/extend", {"epochs": "999"}).status_code == 403


def test_charlie_gets_404(charlie: Client, version: Version) -> None:
    run = failed(version)
    assert charlie.post(f"/runs/{run.pk}/resume").status_code == 404
    assert charlie.get(f"/runs/{run.pk}/extend").status_code == 404


def test_the_runs_of_a_group_may_be_resumed(alice: Client, version: Version) -> None:
    group = make_group(version, labels=("base", "causal"), seeds=(0,))
    run = group.variants.get(label="causal").runs.get()
    Run.objects.filter(pk=run.pk).update(state="failed")
    alice.post(f"/runs/{run.pk}/resume")
    run.refresh_from_db()
    assert (run.state, run.variant.group if run.variant else None) == ("queued", group)
