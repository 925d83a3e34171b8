"""There is no GPU here: a script stands in for nvidia-smi, and answers as the real one does."""

import logging
from pathlib import Path

import pytest

from workers.presence.gpus import Gpu, GpuReader

_ANSWERS = """#!/bin/sh
# Stand-in for nvidia-smi.
case "$1" in
  --query-gpu=*) printf '0, GPU-aa, NVIDIA H100, 81559, 71000, 97\\n1, GPU-bb, NVIDIA H100, 81559, [N/A], [N/A]\\n' ;;
  *) printf '41, 2048\\n41, 1\\n42, [N/A]\\n' ;;
esac
"""


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "nvidia-smi"
    program.write_text(_ANSWERS)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return program


def test_gpus_are_read_with_their_units(smi: Path) -> None:
    first, second = GpuReader().read()
    assert first == Gpu(0, "GPU-aa", "NVIDIA H100", 81559 * 1024**2, 71000 * 1024**2, 97)
    assert (second.memory_used, second.utilisation) == (None, None)
    assert GpuReader().memory_by_process() == {41: 2049 * 1024**2}


@pytest.mark.parametrize(("chosen", "seen"), [("1", [1]), ("GPU-a", [0]), ("", []), ("1,0", [0, 1])])
def test_only_gpus_that_the_worker_may_use(smi: Path, monkeypatch: pytest.MonkeyPatch, chosen: str, seen: list[int]) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert [gpu.index for gpu in GpuReader().read()] == seen


def test_one_that_fails_is_said_once(smi: Path, caplog: pytest.LogCaptureFixture) -> None:
    smi.write_text("#!/bin/sh\nexit 9\n")
    reader = GpuReader()
    with caplog.at_level(logging.WARNING):
        assert reader.read() == reader.read() == []
    assert len(caplog.records) == 1


def test_nonsense_is_no_gpu(smi: Path) -> None:
    smi.write_text("#!/bin/sh\necho 'No devices were found'\n")
    assert GpuReader().read() == []


def test_without_it_there_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert GpuReader().read() == []
    assert GpuReader().memory_by_process() == {}
