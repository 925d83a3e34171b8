"""Runs that can be delivered."""

import pytest

from tests.webapp.people import finish, make_run
from webapp import broker
from webapp.datasets.models import Version
from webapp.experiments.models import Run


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody works here; that messages arrive is asked by the tests of the workers."""
    monkeypatch.setattr(broker, "ask", lambda task, row: None)


@pytest.fixture
def run(version: Version) -> Run:
    """One that has succeeded."""
    return finish(make_run(version))
