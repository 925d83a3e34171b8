"""Fills a database as a year of work would: ``python -m tests.benchmarks.pages.planting RUNS POINTS`` prints what to look at."""

import json
import os
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import django

ACTIVE = 12
"""Runs that run, with the pages of most people."""
TRIALS = 30
_TAGS = ("baseline", "paper", "seed study", "retry", "wide")
_SAMPLES = 8


def main() -> None:
    """Fill the database that the environment names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    django.setup()
    print(json.dumps(plant(int(sys.argv[1]), int(sys.argv[2]))))


def plant(runs: int, points: int) -> dict[str, Any]:
    """Runs of ``points`` epochs (each a loss and an NDCG@10), a search, a group, a person; returns ids and a session's key."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from engine.adapters.choice import LayerChoice
    from engine.search.presets import search_presets
    from engine.search.trial import Candidate
    from webapp.accounts.actions import ensure_account
    from webapp.accounts.models import Project
    from webapp.datasets.models import Dataset, Version, VersionState
    from webapp.experiments.models import GroupKind, GroupVariant, Run, RunGroup
    from webapp.searches.models import Search, SearchTrial, Stage, TrialState

    chance = random.Random(0)
    user = ensure_account("bench", "a-password-of-the-benchmark", "Benchmark", "admin")
    project = Project.objects.get(slug="benchmark")
    versions = []
    for name in ("Beauty", "Toys", "Retail"):
        dataset = Dataset.objects.create(project=project, name=name, created_by=user)
        values = {"state": VersionState.READY, "filters": {"core": 5}, "hash": "ab" * 32, "created_by": user}
        sizes = {"users": 22_363, "items": 12_101, "interactions": 198_502}
        versions.append(Version.objects.create(dataset=dataset, number=1, upload_key="none", **values, **sizes))
    made = [_run(number, runs, chance, project, versions, user) for number in range(runs)]
    Run.objects.bulk_create(made, batch_size=200)
    group = RunGroup.objects.create(
        kind=GroupKind.ABLATION, name="What is it worth?", project=project, version=versions[0], source=made[0], created_by=user
    )
    for position in range(9):
        variant = GroupVariant.objects.create(
            group=group, position=position, label=f"variant {position}", sentence="What it shows."
        )
        Run.objects.filter(pk__in=[run.pk for run in made[position * 3 : position * 3 + 3]]).update(variant=variant)
    plan = search_presets().get("search-nano").plan({})
    search = Search.objects.create(
        project=project, number=1, version=versions[0], plan=plan.model_dump(mode="json"), at_once=2, created_by=user
    )
    chosen = [run for run in made if run.method == "darec" and run.state == "succeeded"][:TRIALS]
    for number, run in enumerate(chosen):
        choices = [LayerChoice(kind="lora", target="both", rank=chance.choice((2, 4, 8, 16))) for _ in range(4)]
        SearchTrial.objects.create(
            search=search,
            stage=Stage.TRIAL,
            number=number,
            candidate=Candidate(tuple(choices), ()).to_json(),
            fingerprint=f"{number:032d}",
            origin="model",
            parameters=10_000 + number,
            run=run,
            state=TrialState.DONE,
            value=run.valid["ndcg@10"],
        )
    _samples(made)
    _events(made, points)
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(user.pk), "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store["project"] = project.pk
    store.save()
    ended = [run.pk for run in made if run.state == "succeeded"]
    return {
        "cookie": f"{settings.SESSION_COOKIE_NAME}={store.session_key}",
        "active": [run.pk for run in made if run.state == "running"],
        "ended": ended[-1],
        "compared": ended[-100:],
        "group": group.pk,
        "search": search.pk,
    }


def _run(number: int, runs: int, chance: random.Random, project: Any, versions: list[Any], user: Any) -> Any:
    from engine.presets import get_preset
    from webapp.experiments.models import Run

    preset = chance.choice(("sasrec", "sasrec-bce", "darec-nano", "hstu", "gru4rec", "item-knn"))
    spec = get_preset(preset).spec({"training.seed": number % 5}).model_dump(mode="json")
    active = number >= runs - ACTIVE
    state = "running" if active else chance.choices(("succeeded", "failed", "cancelled"), (90, 7, 3))[0]
    began = datetime.now(UTC) - timedelta(minutes=10 * (runs - number))
    done = state == "succeeded"
    metrics = {f"{name}@{cut}": chance.random() / 10 for name in ("hr", "ndcg", "mrr", "coverage") for cut in (1, 5, 10, 20)}
    protocol = {"version": "ab" * 32, "split": "leave-one-out", "split_hash": "cd" * 32, "seen": "remove", "candidates": "full"}
    slices = [
        {"of": of, "name": name, "bounds": "1-9", "users": 999, "metrics": {"ndcg@10": 0.05, "hr@10": 0.1}}
        for of, name in (("items", "new"), ("items", "tail"), ("items", "head"), ("users", "short"), ("users", "long"))
    ]
    return Run(
        project=project,
        version=versions[number % 3],
        method=spec["method"]["id"],
        preset=preset,
        spec=spec,
        state=state,
        attempt=1,
        worker="gpu-1:42",
        queued_at=began,
        started_at=began,
        heartbeat_at=datetime.now(UTC),
        finished_at=None if active else began + timedelta(minutes=8),
        progress={"fraction": 0.4, "phase": "training", "done": 40, "total": 100, "unit": "epochs", "eta_seconds": 300},
        error="out of memory at batch 64" if state == "failed" else "",
        hint="Use a smaller batch." if state == "failed" else "",
        protocol={**protocol, "ties": "mid-rank", "catalogue": 12_101, "metrics": sorted(metrics)} if done else {},
        test=metrics if done else {},
        valid=metrics if done else {},
        slices=slices if done else [],
        data={"users": 22_363, "items": 12_101, "interactions": 198_502},
        seconds=chance.uniform(30, 3000) if done else None,
        epochs=200,
        best_epoch=150,
        users_evaluated=22_363,
        trainable_parameters=chance.randrange(10_000, 9_000_000),
        targets_per_second=41_200.0,
        tags=sorted(chance.sample(_TAGS, chance.randrange(3))),
        notes="What **came out** of it" if number % 10 == 0 else "",
        created_by=user,
    )


def _samples(runs: list[Any]) -> None:
    from webapp.experiments.models import LayerAdapter, SampleRecommendation

    items = [{"id": f"item-{number}", "title": f"A title of ordinary length, number {number}"} for number in range(30)]
    scored = [{**item, "score": 1.0} for item in items[:10]]
    done = [run for run in runs if run.state == "succeeded"]
    SampleRecommendation.objects.bulk_create(
        [
            SampleRecommendation(
                run=run,
                position=position,
                user_id_text=f"u{position}",
                history=items[10:],
                target=items[3],
                rank=3.0,
                recommended=scored,
            )
            for run in done
            for position in range(_SAMPLES)
        ],
        batch_size=2000,
    )
    LayerAdapter.objects.bulk_create(
        LayerAdapter(run=run, layer=layer, kind="lora", target="both", rank=8, parameters=12_345)
        for run in done
        if run.method == "darec"
        for layer in range(4)
    )


def _events(runs: list[Any], points: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        columns = "run_id, attempt, sequence, type, payload, created_at"
        with cursor.copy(f"COPY experiments_runevent ({columns}) FROM STDIN") as copy:
            for run in runs:
                for row in _rows(run, points):
                    copy.write_row(row)
        cursor.execute("ANALYZE")


def _rows(run: Any, points: int) -> Iterator[tuple[Any, ...]]:
    when = run.started_at
    for epoch in range(1, points + 1):
        for place, (split, values) in enumerate(
            (("train", {"loss": 6 / epoch}), ("valid", {"ndcg@10": epoch / (epoch + 20) / 10}))
        ):
            payload = {"type": "metric", "split": split, "step": epoch * 100, "epoch": epoch, "values": values}
            yield run.pk, 1, epoch * 2 + place, "metric", json.dumps(payload), when
    for line in range(20):
        yield run.pk, 1, 2 * points + 10 + line, "log", json.dumps({"type": "log", "message": f"line {line}"}), when


if __name__ == "__main__":
    main()
