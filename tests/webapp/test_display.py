import datetime

import pytest
from django.utils import timezone

from webapp import display
from webapp.experiments.display import rank_step


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, display.NOTHING), (-3, "0 s"), (59.4, "59 s"), (750, "12 min 30 s"), (11100, "3 h 05 min"), (187200, "2 d 4 h")],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert display.duration(seconds) == text


def test_numbers() -> None:
    assert display.count(22363) == "22,363"
    assert display.score(0.04449) == ".0445"
    assert display.score(1.0) == "1.0000"
    assert display.percent(0.619) == "61 %"
    assert display.rate(41200.4) == "41,200"
    assert display.rate(0.517) == "0.52"
    assert [display.size(number) for number in (10, 2000, 2 * 1024**3)] == ["10 B", "2.0 KB", "2,048 MB"]


def test_moment() -> None:
    assert display.moment(None) == ""
    assert len(display.moment(timezone.now())) == 5
    assert display.moment(datetime.datetime(2020, 1, 2, 3, 4, tzinfo=datetime.UTC)) == "2020-01-02 03:04"


def test_rank_colours_rise() -> None:
    steps = [rank_step(rank) for rank in (0, 1, 2, 4, 8, 16, 32, 64, 1024)]
    assert steps[0] == 0
    assert steps == sorted(steps)
    assert len(set(steps[:8])) == 8
    assert steps[-1] == 9
