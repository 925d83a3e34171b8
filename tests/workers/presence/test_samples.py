import os
import subprocess
import sys
from pathlib import Path

import psutil

from tests.workers.waiting import wait_until
from workers.presence.samples import Sampler, memory_of


def test_the_machine_is_described() -> None:
    devices = Sampler().devices()
    assert 1 <= devices["cpus"] <= (os.cpu_count() or 1)
    assert devices["memory"] > 2**28


def test_a_job_is_its_process_group() -> None:
    code = "import os, sys; print(1, flush=True)\nwhile True: pass"
    sampler = Sampler()
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        try:
            found = wait_until(lambda: _busy(sampler, child.pid), what="a load")
        finally:
            child.kill()
    assert found["memory"] > 2**20
    assert found["gpu_memory"] is None
    sample = sampler.sample([])
    assert sample["memory_free"] > 0
    assert sample["jobs"] == {}


def test_a_process_that_is_gone_uses_nothing() -> None:
    assert Sampler().sample([2**22 + 1])["jobs"][str(2**22 + 1)]["memory"] == 0


def test_a_container_has_the_memory_that_it_is_given(tmp_path: Path) -> None:
    for name, text in (
        ("memory.max", "1000000"),
        ("memory.current", "700000"),
        ("memory.stat", "anon 1\ninactive_file 200000\n"),
    ):
        (tmp_path / name).write_text(text)
    assert memory_of(tmp_path) == (1_000_000, 500_000)
    for text in ("max\n", str(2**62)):
        (tmp_path / "memory.max").write_text(text)
        assert memory_of(tmp_path)[0] == psutil.virtual_memory().total
    assert memory_of(tmp_path / "none")[0] == psutil.virtual_memory().total


def _busy(sampler: Sampler, pid: int) -> dict[str, float]:
    job: dict[str, float] = sampler.sample([pid])["jobs"][str(pid)]
    return job if job["cpu"] > 0 else {}
