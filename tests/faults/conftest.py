"""The fixtures of the tests of faults, and the table at their end."""

import os
from collections.abc import Generator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.faults.record import FAULTS, SEED, Faults
from tests.workers.fixtures import *  # noqa: F403


@pytest.fixture
def faults() -> Faults:
    """Where a test tells which faults it injects: ``with faults.inject("SIGKILL of the training child") as case``."""
    return FAULTS


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that is one fault as a whole bears ``@pytest.mark.fault(name)``, or ``fault(name, how often)``."""
    mark = item.get_closest_marker("fault")
    with FAULTS.inject(*mark.args) if mark else nullcontext():
        return (yield)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if FAULTS.cases:
        terminalreporter.write_sep("=", f"faults (FAULT_SEED={SEED})")
        for line in FAULTS.table():
            terminalreporter.write_line(line)
    if file := os.environ.get("FAULTS_OUT"):
        FAULTS.write(Path(file))
