"""The two environments beside .venv of `make tools`: other people's tools, and PEFT without this project."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tool(name: str) -> Path:
    """A program of .venv-tools, ``schemathesis`` for example; where it is missing, the test is skipped with the reason."""
    return _program(".venv-tools", name)


def peft_python() -> Path:
    """The Python of .venv-peft, with torch, transformers and peft, and nothing of this project; skips where it is missing."""
    return _program(".venv-peft", "python")


def _program(folder: str, name: str) -> Path:
    program = ROOT / folder / "bin" / name
    if not program.exists():
        pytest.skip(f"needs {name} of {folder}, which `make tools` builds")
    return program
