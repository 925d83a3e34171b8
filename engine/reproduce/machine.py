"""This machine, as far as numbers hang on it."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from engine.reproduce.model import Machine
from engine.training.machine import machine_kind

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "polars",
    "transformers",
    "tokenizers",
    "peft",
    "accelerate",
    "safetensors",
    "bitsandbytes",
)
"""Those that are not installed are left out."""
_CPU_INFO = Path("/proc/cpuinfo")


def this_machine(device: torch.device) -> Machine:
    """Call it while torch has the threads that the run has."""
    return Machine(
        kind=machine_kind(device),
        processor=f"{_processor()}, {torch.backends.cpu.get_cpu_capability()}",
        system=f"{platform.system()} {platform.machine()}",
        packages={"python": platform.python_version(), **_packages()},
    )


def differences(before: Machine, now: Machine) -> list[str]:
    """What is not the same, one sentence part each; empty on an equal machine with equal packages."""
    told = [f"{name}: {was}, here {found}" for name, was, found in _pairs(before, now) if was != found]
    names = sorted(before.packages.keys() | now.packages.keys())
    for name in names:
        was, found = before.packages.get(name, "none"), now.packages.get(name, "none")
        if was != found:
            told.append(f"{name}: {was}, here {found}")
    return told


def _pairs(before: Machine, now: Machine) -> list[tuple[str, str, str]]:
    return [(name, getattr(before, name), getattr(now, name)) for name in ("kind", "processor", "system")]


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # not installed, so that nothing hangs on it
    return found


def _processor() -> str:
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")
