import time
from typing import Any

from django.utils import timezone

from tests.webapp.people import make_run, report
from webapp.datasets.models import Version
from webapp.experiments.events import POINTS, chart, curve, curve_rows
from webapp.experiments.models import Run, RunEvent


def tell(run: Run, lines: list[dict[str, Any]], attempt: int = 1, first: int = 0) -> None:
    RunEvent.objects.bulk_create(
        RunEvent(
            run=run, attempt=attempt, sequence=first + index, type="metric", payload=payload, created_at=timezone.now()
        )
        for index, payload in enumerate(lines)
    )  # fmt: skip


def metric(split: str, epoch: int, value: float | None, step: int | None = None) -> dict[str, Any]:
    name = "loss" if split == "train" else "ndcg@10"
    return {"split": split, "step": 10 * epoch if step is None else step, "epoch": epoch, "values": {name: value}}


def test_a_short_curve_is_whole(version: Version) -> None:
    run = make_run(version, "running", attempt=1)
    report(run, 3)
    found = curve(run)
    assert chart(found) == {
        "unit": "epoch",
        "valid": [[1, 0.01], [2, 0.02], [3, 0.03]],
        "loss": [[1, 4.0], [2, 3.0], [3, 2.0]],
        "marks": [],
    }
    assert curve_rows(found)[0] == {"epoch": 3, "step": "30", "loss": "2.0000", "ndcg": ".0300", "best": True}


def test_a_long_curve_is_thinned_and_keeps_its_extremes(version: Version) -> None:
    run = make_run(version, "running", attempt=1)
    epochs = 20_000
    valid = {epoch: 0.05 + 1e-7 * epoch for epoch in range(1, epochs + 1)}
    valid[7777], valid[8888] = 0.9, 0.001
    tell(run, [metric("valid", epoch, value) for epoch, value in valid.items()])
    tell(run, [metric("train", epoch, 1 / epoch) for epoch in valid], first=epochs)
    begin = time.monotonic()
    found = curve(run)
    seconds = time.monotonic() - begin
    assert found.total == epochs
    assert len(found.valid) <= POINTS + 1
    assert len(found.loss) <= POINTS + 1
    assert {0.9, 0.001} <= {point.value for point in found.valid}
    assert found.valid[-1].epoch == found.loss[-1].epoch == epochs
    assert [point.epoch for point in found.valid] == sorted(point.epoch for point in found.valid)
    assert next(row for row in curve_rows(found) if row["best"])["epoch"] == 7777
    assert seconds < 2, f"{seconds:.2f} s"


def test_values_that_are_no_numbers_are_left_out(version: Version) -> None:
    run = make_run(version, "running", attempt=1)
    tell(run, [metric("train", 1, None), metric("train", 2, 3.0)])
    assert chart(curve(run))["loss"] == [[2, 3.0]]


def test_losses_within_epochs_are_drawn_by_steps(version: Version) -> None:
    run = make_run(version, "running", attempt=1)
    tell(run, [metric("train", 1, 5.0, 5), metric("train", 1, 4.0, 10), metric("valid", 1, 0.1, 10)])
    found = chart(curve(run))
    assert found["unit"] == "step"
    assert found["loss"] == [[5, 5.0], [10, 4.0]]
    assert found["valid"] == [[10, 0.1]]


def test_an_extension_is_drawn_behind_what_it_continues(version: Version) -> None:
    old = make_run(version, "cancelled", attempt=1)
    tell(old, [metric("valid", epoch, epoch / 100) for epoch in range(1, 6)])
    longer = make_run(version, "running", attempt=2, continues=old)
    tell(longer, [metric("valid", 4, 0.4), metric("valid", 5, 0.5)])
    tell(longer, [metric("valid", 5, 0.5), metric("valid", 6, 0.6)], attempt=2)
    found = chart(curve(longer))
    assert found["valid"] == [[1, 0.01], [2, 0.02], [3, 0.03], [4, 0.4], [5, 0.5], [6, 0.6]]
    assert found["marks"] == [[3.5, f"{longer} begins"], [4.5, "attempt 2"]]
    waiting = make_run(version, continues=longer)
    assert len(chart(curve(waiting))["valid"]) == 6
