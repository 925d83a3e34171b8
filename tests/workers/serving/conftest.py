"""Runs that were really trained."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from engine.data.version import read_version
from engine.run import run as run_engine
from engine.spec import parse_spec
from tests.workers.fixtures import Run, RunState, storage_root
from webapp.serving.models import Ask, AskKind

Trained = Callable[..., Run]


@pytest.fixture
def trained(make_run: Callable[..., Run]) -> Trained:
    """Trains a preset, small, in this process."""

    def train(preset: str = "popularity", settings: dict[str, Any] | None = None) -> Run:
        run = make_run({"training.epochs": 1, "training.threads": 1, **(settings or {})}, preset=preset)
        version = read_version(storage_root() / run.version.storage_key)
        run_engine(parse_spec(run.spec), version, storage_root() / run.folder_key, lambda event: None)
        Run.objects.filter(pk=run.pk).update(state=RunState.SUCCEEDED, finished_at=timezone.now())
        run.refresh_from_db()
        return run

    return train


@pytest.fixture
def asker(db: None) -> User:
    return User.objects.create(username="asker")


def make_ask(run: Run, kind: AskKind = AskKind.RECOMMEND, **question: object) -> Ask:
    """A question whose message was lost."""
    values = {"k": 5, "items": [], "query": ""} if kind == AskKind.RECOMMEND else {"k": 5}
    return Ask.objects.create(run=run, kind=kind, question={**values, **question})
