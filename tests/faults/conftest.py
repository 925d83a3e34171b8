"""The fixtures of the tests of faults, and the table at their end."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.faults.record import FAULTS, SEED, Faults
from tests.workers.fixtures import *  # noqa: F403


@pytest.fixture
def faults() -> Faults:
    """Where a test tells which faults it injects: ``with faults.inject("SIGKILL of the training child") as case``."""
    return FAULTS


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if FAULTS.cases:
        terminalreporter.write_sep("=", f"faults (FAULT_SEED={SEED})")
        for line in FAULTS.table():
            terminalreporter.write_line(line)
    if file := os.environ.get("FAULTS_OUT"):
        FAULTS.write(Path(file))
