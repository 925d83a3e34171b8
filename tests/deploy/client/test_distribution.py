"""The client is a small distribution of its own: a wheel is built without the network, and brings neither torch nor Django."""

import email
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deploy.local.home import ROOT

LARGE = 200_000
"""Bytes that the wheel stays below."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the source tree."""
    folder = tmp_path_factory.mktemp("client")
    source = folder / "source"
    shutil.copytree(ROOT / "deploy" / "client", source, ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__"))
    # Without isolation: what builds it is in this environment, and nothing is fetched.
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", str(folder / "wheels"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = (folder / "wheels").iterdir()
    return found


def test_its_metadata_ask_for_httpx_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        about = {name.rpartition("/")[2]: archive.read(name).decode() for name in names if ".dist-info/" in name}
    metadata = email.message_from_string(about["METADATA"])
    assert metadata["Name"] == "darec-lab-client"
    required = [line.replace(" ", "") for line in metadata.get_all("Requires-Dist", [])]
    assert [line.partition(">")[0].partition("<")[0] for line in required if "extra==" not in line] == ["httpx"]
    extras = {line.partition("extra==")[2].strip("\"'"): line for line in required if "extra==" in line}
    assert {name: line.startswith(name) for name, line in extras.items()} == {"polars": True, "rich": True}
    assert "darec-lab = darec_lab.command:main" in about["entry_points.txt"]
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"darec_lab"}
    assert "darec_lab/py.typed" in names
    assert wheel.stat().st_size < LARGE


def test_importing_it_loads_neither_torch_nor_django(wheel: Path) -> None:
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import darec_lab, darec_lab.command; "
        "print(json.dumps([darec_lab.__file__, sorted({name.partition('.')[0] for name in sys.modules})]))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(wheel)], capture_output=True, text=True, timeout=100, check=True, cwd=wheel.parent
    )
    where, loaded = json.loads(done.stdout)
    assert where.startswith(str(wheel)), "the wheel's own code was asked, not that of the source tree"
    for name in ("torch", "django", "celery", "polars", "engine", "webapp", "workers"):
        assert name not in loaded
