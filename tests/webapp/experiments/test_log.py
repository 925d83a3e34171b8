import asyncio
import time
from typing import Any

import pytest
from django.http import QueryDict
from django.test import AsyncRequestFactory, Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.webapp.people import HOSTILE, make_run
from webapp.datasets.models import Version
from webapp.experiments.log import LINES, LogQuery, as_text, read_page
from webapp.experiments.models import Run, RunEvent
from webapp.streaming import download_pieces

POLL = {"HX-Request": "true"}


def write(run: Run, lines: list[tuple[str, dict[str, Any]]], attempt: int = 1) -> None:
    RunEvent.objects.bulk_create(
        RunEvent(run=run, attempt=attempt, sequence=index, type=kind, payload=payload, created_at=timezone.now())
        for index, (kind, payload) in enumerate(lines)
    )


def lines_of(count: int) -> list[tuple[str, dict[str, Any]]]:
    return [("log", {"message": f"line {number}"}) for number in range(count)]


@pytest.fixture
def run(version: Version) -> Run:
    made = make_run(version, "running", attempt=2)
    write(
        made,
        [
            ("log", {"message": f"read {HOSTILE}"}),
            ("warning", {"message": "Many users are short", "hint": "Hold out less."}),
            ("checkpoint", {"path": "x", "step": 1200, "epoch": 3, "best": False}),
            ("checkpoint", {"path": "x", "step": 1300, "epoch": 3, "best": True}),
            ("metric", {"split": "train", "step": 1, "epoch": 1, "values": {"loss": 1.0}}),
        ],
    )
    write(made, [("log", {"message": "evil \x1b[2J\u202e and\nFailed: forged"})], attempt=2)
    return made


def texts(run: Run, **query: str) -> list[str]:
    values = QueryDict(mutable=True)
    values.update(query)
    return [line["text"] for line in read_page(run, LogQuery.read(values)).lines]


def test_lines_are_in_order_and_attempts_told_apart(run: Run) -> None:
    found = read_page(run, LogQuery())
    assert [line["attempt"] for line in found.lines] == [1, 1, 1, 1, 2]
    assert found.lines[2]["text"] == "checkpoint at step 1,200 of epoch 3"
    assert found.lines[3]["text"] == "checkpoint at step 1,300, the best so far"
    assert (found.earlier, found.later) == (None, None)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"text": "SHORT"}, 1),
        ({"text": "hold out"}, 1),
        ({"text": "%"}, 0),
        ({"text": "1,200"}, 1),
        ({"text": "step"}, 2),
        ({"text": "best so far"}, 1),
        ({"level": "warnings"}, 1),
        ({"level": "checkpoints"}, 2),
        ({"level": "checkpoints", "text": "1300"}, 1),
        ({"level": "nonsense"}, 5),
        ({"before": "nonsense"}, 5),
        ({"before": "2.0"}, 4),
        ({"after": "2.0"}, 1),
        ({"after": "9.9"}, 0),
    ],
)
def test_search(run: Run, query: dict[str, str], count: int) -> None:
    assert len(texts(run, **query)) == count


def test_pages_go_back_and_forth(version: Version) -> None:
    run = make_run(version, "succeeded", attempt=1)
    write(run, lines_of(2 * LINES + 50))
    newest = read_page(run, LogQuery())
    assert [newest.lines[0]["text"], newest.lines[-1]["text"]] == [f"line {LINES + 50}", f"line {2 * LINES + 49}"]
    assert newest.later is None
    assert newest.earlier is not None
    middle = read_page(run, newest.earlier)
    assert [middle.lines[0]["text"], middle.lines[-1]["text"]] == ["line 50", f"line {LINES + 49}"]
    assert middle.earlier is not None
    first = read_page(run, middle.earlier)
    assert (len(first.lines), first.earlier) == (50, None)
    assert first.later is not None
    assert [line["text"] for line in read_page(run, first.later).lines] == [line["text"] for line in middle.lines]
    assert newest.pinned is not None
    assert [line["text"] for line in read_page(run, newest.pinned).lines] == [line["text"] for line in newest.lines]


def test_a_long_log_is_quick(alice: Client, version: Version, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    run = make_run(version, "succeeded", attempt=1)
    write(run, [*lines_of(100_000), ("warning", {"message": "the only one", "hint": ""})])
    for address in ("", "?level=warnings", "?text=line+77777", "?before=1.500", "?text=nowhere"):
        with django_assert_max_num_queries(8):
            begin = time.monotonic()
            assert alice.get(f"/runs/{run.pk}/log{address}").status_code == 200
            seconds = time.monotonic() - begin
        print(f"{address or 'newest'}: {1000 * seconds:.0f} ms")
        assert seconds < 2, f"{address}: {seconds:.2f} s"


def test_the_page_keeps_the_search_in_its_address(alice: Client, run: Run) -> None:
    body = alice.get(f"/runs/{run.pk}/log?text=short&level=warnings").content.decode()
    assert 'value="short"' in body
    assert '<option value="warnings" selected>' in body
    assert "Many users are <mark>short</mark>" in body
    assert f'hx-get="/runs/{run.pk}/log?text=short&amp;level=warnings"' in body
    assert f'href="/runs/{run.pk}/log.txt?text=short&amp;level=warnings"' in body


def test_the_page_follows_while_the_run_is_active_and_shows_its_newest_lines(alice: Client, run: Run) -> None:
    assert alice.get(f"/runs/{run.pk}/log", headers=POLL).status_code == 200
    assert "hx-trigger" not in alice.get(f"/runs/{run.pk}/log?before=2.0").content.decode()
    assert alice.get(f"/runs/{run.pk}/log?before=2.0", headers=POLL).status_code == 286
    Run.objects.update(state="succeeded")
    assert alice.get(f"/runs/{run.pk}/log", headers=POLL).status_code == 286


def test_what_stands_in_a_log_is_text_and_steers_nothing(alice: Client, run: Run) -> None:
    for address in (f"/runs/{run.pk}/log", f"/runs/{run.pk}/log?text=script", f"/runs/{run.pk}"):
        body = alice.get(address).content.decode()
        assert "<script>alert" not in body
        assert "\x1b" not in body
        assert "\u202e" not in body
    assert "evil \\x1b[2J\\u202e and" in alice.get(f"/runs/{run.pk}/log").content.decode()


def test_download(alice: Client, run: Run) -> None:
    response = alice.get(f"/runs/{run.pk}/log.txt")
    assert response["Content-Disposition"] == f'attachment; filename="{run}.log.txt"'
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    text = b"".join(response).decode()
    lines = text.splitlines()
    assert len(lines) == 6, "five lines, and one that goes on"
    assert lines[1].endswith("attempt 1  warning     Many users are short Hold out less.")
    assert lines[-2].endswith("evil \\x1b[2J\\u202e and")
    assert lines[-1] == "    Failed: forged"
    found = b"".join(alice.get(f"/runs/{run.pk}/log.txt?level=warnings")).decode()
    assert found.count("\n") == 1


def test_a_long_download_comes_in_pieces(version: Version) -> None:
    run = make_run(version, "succeeded", attempt=1)
    write(run, lines_of(4001))
    pieces = list(as_text(run, LogQuery()))
    assert [piece.count(b"\n") for piece in pieces] == [2000, 2000, 1]


def test_pieces_come_one_by_one_under_asgi_too() -> None:
    response = download_pieces(AsyncRequestFactory().get("/"), iter([b"a", b"b"]), "x.txt", "text/plain")

    async def read() -> list[bytes]:
        return [piece async for piece in response]

    assert asyncio.run(read()) == [b"a", b"b"]


@pytest.mark.parametrize("address", ["log", "log.txt"])
def test_charlie_gets_404(charlie: Client, run: Run, address: str) -> None:
    assert charlie.get(f"/runs/{run.pk}/{address}").status_code == 404
