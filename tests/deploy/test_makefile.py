"""The Makefile explains itself, and says what is missing."""

import os
import shutil
import subprocess
from pathlib import Path

from deploy.local.home import ROOT


def _make(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    outer = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "TESTS", "DATA", "CHECK")
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_help_is_the_default_and_names_every_target() -> None:
    done = _make(ROOT)
    assert done.returncode == 0
    for target in ("setup", "demo", "up", "test", "lint", "clean"):
        assert f"  make {target}" in done.stdout
    assert "DATA=folder" in done.stdout
    assert "CHECK=1" in done.stdout


def test_setup_says_that_python_is_missing_or_old(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "python3.8"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for python in ("no-such-python", str(old)):
        done = _make(tmp_path, "setup", f"PYTHON={python}")
        assert done.returncode == 2
        assert "Install Python 3.11 or newer" in done.stderr
        assert not (tmp_path / ".venv").exists()


def test_ci_runs_what_people_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text()
