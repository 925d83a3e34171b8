import json
import re
import time
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.webapp.people import People, finish, make_run, make_version, report
from webapp.datasets.models import Dataset, Version
from webapp.display import NOTHING
from webapp.experiments.models import Run

POLL = {"HX-Request": "true"}


def chart(body: str) -> dict[str, Any]:
    found = re.search(r'<script id="chart-data" type="application/json">(.*?)</script>', body)
    assert found is not None
    values: dict[str, Any] = json.loads(found[1])
    return values


def test_working(alice: Client, version: Version) -> None:
    progress = {
        "phase": "training",
        "done": 4120,
        "total": 6800,
        "unit": "steps",
        "fraction": 0.614,
        "epoch": 7,
        "eta_seconds": 731,
    }
    run = make_run(
        version, "running", "darec-nano", attempt=1, worker="gpu-1:42", progress=progress, heartbeat_at=timezone.now(),
        started_at=timezone.now(),
    )  # fmt: skip
    report(run, 2)
    body = alice.get(f"/runs/{run.pk}").content.decode()
    for text in (
        "● ",
        "running",
        "attempt 1",
        "gpu-1:42",
        "61 %",
        "ETA <b>12 min 11 s",
        "4,120 of 6,800 steps",
        "last sign of life",
    ):
        assert text in body.replace("●</span> ", "● "), text
    assert "nano has no world knowledge" in body
    assert 'name="cancel"' in body
    assert 'hx-trigger="every 2s"' in body
    assert chart(body) == {"unit": "epoch", "valid": [[1, 0.01], [2, 0.02]], "loss": [[1, 4.0], [2, 3.0]], "marks": []}


def test_a_run_that_left_the_test_alone_says_so(alice: Client, version: Version) -> None:
    run = finish(make_run(version, preset="darec-nano"))
    tested = alice.get(f"/runs/{run.pk}").content.decode()
    Run.objects.filter(pk=run.pk).update(test={}, slices=[])
    body = alice.get(f"/runs/{run.pk}").content.decode()
    assert "The test targets were left alone" in body
    assert 'scope="colgroup">Test<' not in body
    assert 'scope="colgroup">Test<' in tested
    assert "left alone" not in tested


def test_succeeded(alice: Client, version: Version) -> None:
    run = finish(make_run(version, preset="darec-nano"))
    report(run, 2)
    body = alice.get(f"/runs/{run.pk}").content.decode()
    for text in (
        ".0571",
        ".1085",
        "full ranking over 240 items",
        "items of the user&#x27;s history removed",
        "12,345",
        "1 min 15 s",
    ):
        assert text in body, text
    assert body.index("full ranking over") - body.index("<h2>Metrics</h2>") < 300
    assert "position 4 of 240" in body
    assert '<li class="held" title="i3"><bdi>Title 3</bdi> <b>held out</b> <span class="score quiet">1</span></li>' in body
    assert "scale-5" in body
    assert "hx-trigger" not in body
    assert 'name="cancel"' not in body


def test_slices(alice: Client, version: Version) -> None:
    body = alice.get(f"/runs/{finish(make_run(version)).pk}").content.decode()
    table = re.sub(r"<[^>]*>", " ", body[body.index("Slices of the test users") :])
    words = " ".join(table[: table.index("Data ")].split())
    assert "By the held-out item&#x27;s interactions in training tail 1-9 1,234 .0123 .0234" in words
    assert f"head 30+ 0 {NOTHING} {NOTHING} By the length" in words
    assert "By the length of the user&#x27;s history short 1-5 600 .0345 .0456" in words
    run = make_run(version)
    assert "Slices" not in alice.get(f"/runs/{run.pk}").content.decode()


def test_titles_are_text_everywhere(alice: Client, version: Version) -> None:
    run = finish(make_run(version))
    report(run, 1)
    body = alice.get(f"/runs/{run.pk}").content.decode()
    assert "<script>alert" not in body
    assert "&lt;script&gt;alert(&#x27;title&#x27;)&lt;/script&gt;{{ 7*7 }}" in body
    assert "u&lt;7&gt;" in body


def test_failed_says_first_what_happened_and_what_to_do(alice: Client, version: Version) -> None:
    run = make_run(version, "failed", error="out of memory at batch 64", hint="Clone it with batch 32.", reference="a1b2c3d4")
    report(run, 1)
    body = alice.get(f"/runs/{run.pk}").content.decode()
    places = [
        body.index(text)
        for text in ("out of memory at batch 64", "Clone it with batch 32.", "Where: ", "a1b2c3d4", "last lines", "Epochs")
    ]
    assert places == sorted(places)


def test_a_later_attempt_replaces_what_it_repeats(alice: Client, version: Version) -> None:
    run = make_run(version, "running", attempt=1)
    report(run, 3)
    run.attempt = 2
    run.save()
    report(run, 2)
    Run.objects.get().events.filter(attempt=2, sequence=1).update(
        payload={"split": "valid", "step": 10, "epoch": 1, "values": {"ndcg@10": 0.5}}
    )
    found = chart(alice.get(f"/runs/{run.pk}").content.decode())
    assert found["valid"] == [[1, 0.5], [2, 0.02], [3, 0.03]]
    assert found["marks"] == [[0.5, "attempt 2"]]


def test_polling_ends_with_the_outcome(alice: Client, version: Version) -> None:
    run = make_run(version, "running")
    response = alice.get(f"/runs/{run.pk}", headers=POLL)
    assert response.status_code == 200
    assert "part-metrics" not in response.content.decode()
    finish(run)
    response = alice.get(f"/runs/{run.pk}", headers=POLL)
    body = response.content.decode()
    assert response.status_code == 286
    assert "<html" not in body
    assert '<div id="part-metrics" hx-swap-oob="innerHTML">' in body
    assert ".0571" in body


def test_a_poll_stays_small(alice: Client, version: Version, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    run = make_run(version, "running")
    report(run, 200)
    alice.get(f"/runs/{run.pk}")
    with django_assert_max_num_queries(8):
        begin = time.monotonic()
        response = alice.get(f"/runs/{run.pk}", headers=POLL)
        seconds = time.monotonic() - begin
    assert response.status_code == 200
    assert seconds < 0.5, f"{seconds:.3f} s"


def test_cancel(people: People, version: Version) -> None:
    run = make_run(version, "running")
    response = people.client("bob", "researcher").post(f"/runs/{run.pk}", {"cancel": "1"}, follow=True)
    assert "will stop at its next checkpoint" in response.content.decode()
    run.refresh_from_db()
    assert run.state == "cancelling"


def test_cancel_too_late_is_said(alice: Client, version: Version) -> None:
    run = finish(make_run(version))
    response = alice.post(f"/runs/{run.pk}", {"cancel": "1"}, follow=True)
    assert "has ended already" in response.content.decode()


@pytest.mark.parametrize("state", ["draft", "queued", "starting", "evaluating", "cancelling", "cancelled", "lost"])
def test_every_state_has_a_page(alice: Client, version: Version, state: str) -> None:
    run = make_run(version, state)
    response = alice.get(f"/runs/{run.pk}")
    assert response.status_code == 200
    assert f"</span> {state}</span>" in response.content.decode()


def test_generated_data_is_labelled(alice: Client, people: People) -> None:
    version = make_version(people, "Made up")
    Dataset.objects.update(generated=True)
    assert "generated" in alice.get(f"/runs/{make_run(version).pk}").content.decode()


def test_bob_looks_but_may_not_cancel(bob: Client, version: Version) -> None:
    run = make_run(version, "running")
    assert 'name="cancel"' not in bob.get(f"/runs/{run.pk}").content.decode()
    assert bob.post(f"/runs/{run.pk}", {"cancel": "1"}).status_code == 403
    run.refresh_from_db()
    assert run.state == "running"


def test_charlie_gets_404(charlie: Client, version: Version) -> None:
    run = make_run(version, "running")
    assert charlie.get(f"/runs/{run.pk}").status_code == 404
    assert charlie.get(f"/runs/{run.pk}", headers=POLL).status_code == 404
    assert charlie.post(f"/runs/{run.pk}", {"cancel": "1"}).status_code == 404
    assert charlie.get("/runs/99999999999999999999999").status_code == 404
