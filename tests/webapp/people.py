"""The people of the web tests: Alice owns, Bob is in the team, Charlie must not see. And the rows they look at."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from engine.evaluation.compare import RankTable, user_values
from engine.presets import get_preset
from webapp.accounts.actions import ensure_account
from webapp.accounts.models import Project
from webapp.datasets.models import Dataset, Version, VersionState
from webapp.experiments.form import text
from webapp.experiments.models import (
    GroupKind,
    GroupVariant,
    LayerAdapter,
    Run,
    RunEvent,
    RunGroup,
    RunState,
    SampleRecommendation,
)

HOSTILE = "<script>alert('title')</script>{{ 7*7 }}"
PROTOCOL = {
    "version": "ab" * 32,
    "split": "leave-one-out",
    "split_hash": "cd" * 32,
    "seen": "remove",
    "candidates": "full",
    "ties": "mid-rank",
    "catalogue": 240,
    "metrics": ["hr@10", "ndcg@10"],
}

SLICES = [
    {"of": "items", "name": "tail", "bounds": "1-9", "users": 1234, "metrics": {"ndcg@10": 0.0123, "hr@10": 0.0234}},
    {"of": "items", "name": "head", "bounds": "30+", "users": 0, "metrics": {}},
    {"of": "users", "name": "short", "bounds": "1-5", "users": 600, "metrics": {"ndcg@10": 0.0345, "hr@10": 0.0456}},
]


@dataclass(frozen=True)
class People:
    """Three users, each with a signed-in client, and the project of the first two."""

    alice: User
    bob: User
    charlie: User
    project: Project

    def client(self, name: str, role: str | None = None) -> Client:
        """A client signed in as one of them, who gets another role first, if one is given."""
        user: User = getattr(self, name)
        if role is not None:
            user.memberships.update(role=role)
        client = Client()
        client.force_login(user)
        return client


def make_people() -> People:
    """Alice is admin of the shop, Bob a viewer there; Charlie is admin of another project."""
    alice = ensure_account("alice", "alice-secret-1", "Shop", "admin")
    bob = ensure_account("bob", "bob-secret-1", "Shop", "viewer")
    charlie = ensure_account("charlie", "charlie-secret-1", "Elsewhere", "admin")
    return People(alice, bob, charlie, Project.objects.get(slug="shop"))


def make_version(people: People, name: str = "Beauty", **values: Any) -> Version:
    """A ready version in the shop, unless ``values`` say otherwise."""
    dataset, _ = Dataset.objects.get_or_create(project=people.project, name=name, defaults={"created_by": people.alice})
    number = dataset.versions.count() + 1
    known: dict[str, Any] = {
        "number": number,
        "state": VersionState.READY,
        "filters": {"core": 5, "minimum_rating": None},
        "upload_key": "uploads/none",
        "hash": "ab" * 32,
        "users": 600,
        "items": 240,
        "interactions": 9120,
        "created_by": people.alice,
    }
    return Version.objects.create(dataset=dataset, **{**known, **values})


def make_run(version: Version, state: str = RunState.QUEUED, preset: str = "sasrec", **values: Any) -> Run:
    """A run of a preset in the version's project."""
    spec = get_preset(preset).spec()
    known: dict[str, Any] = {
        "project": version.dataset.project,
        "method": spec.method.id,
        "preset": preset,
        "spec": spec.model_dump(mode="json"),
        "queued_at": timezone.now(),
        "created_by": version.created_by,
    }
    return Run.objects.create(version=version, state=state, **{**known, **values})


def finish(run: Run, ndcg: float = 0.0571, title: str = HOSTILE) -> Run:
    """Give the run everything that a run which succeeded has; its titles are hostile."""
    run.state, run.attempt, run.worker = RunState.SUCCEEDED, 1, "gpu-1:42"
    run.started_at = run.finished_at = timezone.now()
    run.test = {"ndcg@10": ndcg, "hr@10": 0.1085}
    run.valid = {"ndcg@10": 0.0605, "hr@10": 0.115}
    run.protocol, run.data = PROTOCOL, {"users": 600, "items": 240, "interactions": 9120}
    run.seconds, run.epochs, run.best_epoch, run.users_evaluated = 75.0, 2, 1, 600
    run.trainable_parameters, run.targets_per_second = 12345, 4100.0
    run.save()
    run.slices = SLICES
    run.save()
    LayerAdapter.objects.create(run=run, layer=0, kind="lora", target="both", rank=8, parameters=12345)
    LayerAdapter.objects.create(run=run, layer=1, kind="none", target="both", rank=0, parameters=0)
    items = [{"id": f"i{index}", "title": f"Title {index}"} for index in range(12)]
    SampleRecommendation.objects.create(
        run=run,
        position=0,
        user_id_text="u<7>",
        history=[{"id": "i99", "title": title}, items[11]],
        target=items[3],
        rank=3.0,
        recommended=[{**item, "score": 1.0} for item in items[:10]],
    )
    return run


def make_group(
    version: Version,
    labels: tuple[str, ...] = ("base", "causal", "sasrec"),
    seeds: tuple[int, ...] = (0, 1),
    title: str = HOSTILE,
) -> RunGroup:
    """An ablation with queued runs; the sentences are hostile."""
    group = RunGroup.objects.create(
        kind=GroupKind.ABLATION,
        name="What is it worth?",
        project=version.dataset.project,
        version=version,
        source=make_run(version, "succeeded", "darec-nano"),
        created_by=version.created_by,
    )
    for position, label in enumerate(labels):
        variant = GroupVariant.objects.create(group=group, position=position, label=label, sentence=f"{label}: {title}")
        for seed in seeds:
            run = make_run(version, preset="darec-nano", variant=variant)
            run.spec["training"]["seed"] = seed
            run.folder_key = f"runs/{run.pk}"
            run.save()
    return group


def group_run(group: RunGroup, label: str, seed: int) -> Run:
    """One run of a group."""
    return Run.objects.get(variant__group=group, variant__label=label, spec__training__seed=seed)


def finish_group_run(group: RunGroup, label: str, seed: int, ranks: list[float], **values: Any) -> RankTable:
    """Let one run of a group succeed with such ranks of users 0, 1, ...; its metrics follow from them."""
    table = RankTable(np.arange(len(ranks), dtype=np.int32), np.array(ranks, dtype=np.float64))
    run = group_run(group, label, seed)
    file = io.BytesIO()
    pl.DataFrame({"user": table.users, "rank": table.ranks}).write_parquet(file)
    default_storage.save(f"{run.folder_key}/ranks_test.parquet", ContentFile(file.getvalue()))
    run.state, run.test = RunState.SUCCEEDED, {name: float(user_values(table, name).mean()) for name in ("ndcg@10", "hr@10")}
    run.protocol, run.users_evaluated, run.seconds, run.trainable_parameters = PROTOCOL, len(ranks), 60.0, 12345
    for name, value in values.items():
        setattr(run, name, value)
    run.save()
    return table


def report(run: Run, epochs: int, title: str = HOSTILE) -> None:
    """Metric and log events of so many epochs."""
    payloads: list[tuple[str, dict[str, Any]]] = []
    for epoch in range(1, epochs + 1):
        payloads.append(("metric", {"split": "train", "step": epoch * 10, "epoch": epoch, "values": {"loss": 5.0 - epoch}}))
        values = {"ndcg@10": 0.01 * epoch}
        payloads.append(("metric", {"split": "valid", "step": epoch * 10, "epoch": epoch, "values": values}))
    payloads.append(("log", {"message": f"read {title}"}))
    for sequence, (kind, payload) in enumerate(payloads):
        RunEvent.objects.create(
            run=run, attempt=run.attempt, sequence=sequence, type=kind, payload=payload, created_at=timezone.now()
        )


def form_of(preset: str, **changes: str) -> dict[str, str]:
    """The fields of the new-run form as a browser sends them; ``changes`` name fields with ``__`` for dots."""
    fields = {field.path: text(field.default) for field in get_preset(preset).spec().fields()}
    return {"preset": preset, **fields, **{name.replace("__", "."): value for name, value in changes.items()}}
