from datetime import timedelta

import pytest
from django.db.models import F
from pytest_django import DjangoAssertNumQueries

from tests.webapp.comparing.planting import plant_curves, plant_runs
from webapp.comparing.curves import load_curves, points_of
from webapp.datasets.models import Version
from webapp.experiments.events import chart, curve
from webapp.experiments.models import Run, RunEvent


@pytest.fixture
def runs(version: Version) -> list[Run]:
    return plant_runs(version, 3)


def test_a_short_curve_is_as_it_is(runs: list[Run]) -> None:
    plant_curves(runs, 12)
    lines = load_curves([run.pk for run in runs])
    for run in runs:
        whole = chart(curve(run))
        for split, name in (("valid", "valid"), ("train", "loss")):
            line = lines[run.pk, split]
            assert list(zip(line.epochs, line.values, strict=True)) == [tuple(point) for point in whole[name]]
            assert (line.total, line.across) == (12, line.epochs)
    best = lines[runs[1].pk, "valid"]
    assert (best.best_epoch, best.best) == (8, pytest.approx(0.05001))
    assert lines[runs[1].pk, "train"].best == pytest.approx(5 / 12)


@pytest.mark.parametrize("points", [4, 20, 60, 200])
def test_a_long_curve_keeps_first_last_and_best(
    runs: list[Run], points: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    plant_curves(runs, 997)
    with django_assert_num_queries(1):
        lines = load_curves([run.pk for run in runs], points=points)
    for run in runs:
        line = lines[run.pk, "valid"]
        assert len(line.epochs) <= points
        assert len(line.epochs) >= points - 3
        assert (line.epochs[0], line.epochs[-1], line.total) == (1, 997, 997)
        assert 664 in line.epochs
        assert line.best_epoch == 664
        gaps = [after - before for before, after in zip(line.epochs, line.epochs[1:], strict=False)]
        assert max(gaps) <= 997 / max(points - 3, 1) + 1


def test_of_equally_good_epochs_the_first_is_the_best(runs: list[Run]) -> None:
    plant_curves(runs[:1], 300)
    RunEvent.objects.filter(payload__split="valid").update(
        payload={"split": "valid", "step": 1, "epoch": 1, "values": {"ndcg@10": 0.0}}
    )
    line = load_curves([runs[0].pk])[runs[0].pk, "valid"]
    assert (line.epochs, line.best, line.best_epoch) == ([1], 0.0, 1)


def test_a_later_attempt_replaces_a_former_and_pauses_do_not_count(runs: list[Run]) -> None:
    run = runs[0]
    plant_curves([run], 6)
    plant_curves([run], 9, attempt=2)
    later = RunEvent.objects.filter(run=run, attempt=2)
    later.filter(payload__epoch__lte=4).delete()
    later.update(created_at=F("created_at") + timedelta(hours=5))
    line = load_curves([run.pk], clock=True)[run.pk, "valid"]
    assert line.epochs == list(range(1, 10))
    # Six epochs of ten seconds, the pause of five hours left out, and four more epochs.
    assert line.across[:2] == pytest.approx([1 / 60, 11 / 60])
    assert line.across[-1] == pytest.approx((51 + 41) / 60)
    assert line.across == sorted(line.across)
    assert [tuple(point) for point in chart(curve(run))["valid"]] == list(zip(line.epochs, line.values, strict=True))


def test_runs_without_reports_have_no_line(runs: list[Run]) -> None:
    assert load_curves([run.pk for run in runs]) == {}
    assert load_curves([]) == {}


def test_many_runs_have_fewer_points_each() -> None:
    assert [points_of(number) for number in (0, 2, 50, 100, 1000)] == [200, 200, 200, 100, 60]
