"""Runs to compare, as workers would have left them."""

import io
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from engine.evaluation.compare import RankTable, user_values
from engine.presets import get_preset
from tests.webapp.people import PROTOCOL, SLICES
from webapp.datasets.models import Version
from webapp.experiments.models import Run, RunEvent, RunState

USERS = 200


def plant_runs(version: Version, number: int, preset: str = "sasrec", **values: Any) -> list[Run]:
    """So many finished runs that differ in their seed and learning rate; the later, the better."""
    spec = get_preset(preset).spec().model_dump(mode="json")
    now = timezone.now()
    made = []
    for place in range(number):
        own = {**spec, "training": {**spec["training"], "seed": place, "learning_rate": 0.001 * (1 + place % 3)}}
        known: dict[str, Any] = {
            "state": RunState.SUCCEEDED,
            "attempt": 1,
            "protocol": PROTOCOL,
            "users_evaluated": USERS,
            "test": {"ndcg@10": 0.05 + place * 1e-4, "hr@10": 0.1 + place * 1e-4},
            "valid": {"ndcg@10": 0.06 + place * 1e-4, "hr@10": 0.12},
            "slices": SLICES,
            "seconds": 60.0 + place,
            "trainable_parameters": 12_345,
            "finished_at": now,
            "folder_key": f"runs/planted-{version.pk}-{preset}-{place}",
        }
        about = {"project": version.dataset.project, "version": version, "method": spec["method"]["id"], "preset": preset}
        made.append(Run(spec=own, queued_at=now, created_by=version.created_by, **about, **{**known, **values}))
    return Run.objects.bulk_create(made)


def plant_curves(runs: list[Run], epochs: int, attempt: int = 1) -> None:
    """A loss and a validation NDCG@10 each epoch, ten seconds apart; the best is at two thirds."""
    start = timezone.now()
    rows = []
    for place, run in enumerate(runs):
        for epoch in range(1, epochs + 1):
            ndcg = 0.05 - abs(epoch - epochs * 2 // 3) * 1e-4 + place * 1e-5
            for part, (split, values) in enumerate((("train", {"loss": 5 / epoch}), ("valid", {"ndcg@10": ndcg, "hr@10": 0.1}))):
                rows.append(
                    RunEvent(
                        run=run,
                        attempt=attempt,
                        sequence=epoch * 2 + part,
                        type="metric",
                        payload={"split": split, "step": epoch * 10, "epoch": epoch, "values": values},
                        created_at=start + timedelta(seconds=10 * epoch + part),
                    )
                )
    RunEvent.objects.bulk_create(rows)


def store_ranks(run: Run, seed: int, better: float = 1.0) -> RankTable:
    """Ranks of users 0, 1, ..., in the run's folder; its test metrics follow from them."""
    ranks = np.floor(np.random.default_rng(seed).exponential(20 * better, USERS))
    table = RankTable(np.arange(USERS, dtype=np.int32), ranks)
    file = io.BytesIO()
    pl.DataFrame({"user": table.users, "rank": table.ranks}).write_parquet(file)
    default_storage.save(f"{run.folder_key}/ranks_test.parquet", ContentFile(file.getvalue()))
    run.test = {name: float(user_values(table, name).mean()) for name in ("ndcg@10", "hr@10")}
    run.save()
    return table


def address(runs: list[Run], part: str = "", **more: str) -> str:
    """The address of a comparison."""
    rest = "".join(f"&{name}={value}" for name, value in more.items())
    return f"/compare{part}?runs={','.join(str(run.pk) for run in runs)}{rest}"
