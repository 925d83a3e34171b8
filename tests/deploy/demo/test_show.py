"""What the demo prints reads well in 80 columns, and hostile titles stay harmless."""

import io

import pytest
from django.utils import timezone
from rich.console import Console

from deploy.local.demo import show
from deploy.local.demo.board import live_board
from deploy.local.demo.runs import Sight
from tests.webapp.people import HOSTILE, finish, make_run
from webapp.datasets.models import Version
from webapp.experiments.models import Run, RunEvent, RunState

pytestmark = pytest.mark.django_db
ESCAPE = "\x1b[31mred [bold]not bold[/bold]\r"


def _printed(width: int = 80) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=width, highlight=False), text


@pytest.fixture
def done(version: Version) -> list[Run]:
    return [finish(make_run(version, preset=preset), ndcg) for preset, ndcg in (("sasrec", 0.0529), ("darec-nano", 0.0571))]


@pytest.mark.parametrize("width", [80, 100])
def test_results_stand_with_their_protocol(version: Version, done: list[Run], width: int) -> None:
    console, text = _printed(width)
    show.results(console, version, done)
    printed = text.getvalue()
    assert max(len(line) for line in printed.splitlines()) <= width
    assert "0.0529" in printed
    assert "0.0571" in printed
    words = " ".join(printed.split())
    assert "full ranking of 240 items, seen items removed from the ranking, ties mid-rank" in words
    assert "Adapters of" in printed
    assert "held out at" in printed
    assert "▶" in printed or all(sample.rank >= 10 for run in done for sample in run.samples.all())


def test_protocols_that_differ_are_told_apart(version: Version, done: list[Run]) -> None:
    done[1].protocol = {**done[1].protocol, "seen": "keep"}
    console, text = _printed()
    show.results(console, version, done)
    assert f"Protocol of {done[0]}" in text.getvalue()
    assert f"Protocol of {done[1]}" in text.getvalue()


def test_hostile_titles_neither_colour_nor_vanish(version: Version, done: list[Run]) -> None:
    sample = done[0].samples.all()[0]
    sample.target = {"id": "x", "title": ESCAPE}
    sample.save()
    console, text = _printed(100)
    show.results(console, version, done)
    assert "\x1b" not in text.getvalue()
    assert "\r" not in text.getvalue()
    assert "red [bold]not bold[/bold]" in text.getvalue()
    assert HOSTILE[:20] in text.getvalue()


def test_a_failure_says_why_what_to_do_and_the_log(version: Version) -> None:
    run = make_run(version, RunState.FAILED, error="The loss is not finite.", hint="Lower the learning rate.", reference="ab12")
    RunEvent.objects.create(run=run, attempt=1, sequence=0, type="log", payload={"message": "epoch 1"}, created_at=timezone.now())
    console, text = _printed()
    show.failure(console, run)
    for part in ("failed: The loss is not finite.", "Lower the learning rate.", "ab12", "| epoch 1"):
        assert part in text.getvalue()


def test_without_a_terminal_progress_is_a_line_for_each_change(version: Version) -> None:
    run = make_run(version, RunState.RUNNING)
    console, text = _printed(100)
    sight = Sight(run, "running", "training", 5, 0.5, 75.0, 0.0512)
    with live_board(console) as board:
        board.show([sight])
        board.show([sight])
    assert text.getvalue().splitlines() == [f"{run!s:<8} sasrec       50 %  running · training · ETA 1:15 · valid NDCG@10 0.0512"]


def test_on_a_terminal_progress_is_a_bar(version: Version) -> None:
    run = make_run(version, RunState.RUNNING)
    text = io.StringIO()
    with live_board(Console(file=text, force_terminal=True, width=100)) as board:
        board.show([Sight(run, "running", "training", 5, 0.5, 75.0, 0.0512)])
    assert "ETA 1:15" in text.getvalue()
    assert "━" in text.getvalue()
