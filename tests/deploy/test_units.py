"""The systemd units: the services of one machine, hardened. ``systemd-analyze`` looks at them too where it is installed."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.home import ROOT
from deploy.local.services import CONCURRENCY
from tests.deploy.commands import after_python, local_commands, parse

UNITS = ROOT / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))


class Unit(configparser.RawConfigParser):
    """A unit file; of keys that come twice, the values are joined by lines."""

    def __init__(self, path: Path) -> None:
        super().__init__(delimiters=("=",), comment_prefixes=("#",), strict=False, interpolation=None)
        self.optionxform = str  # type: ignore[assignment, method-assign]
        self.read_string(path.read_text(encoding="utf-8"))


def test_units_start_the_services_of_one_machine() -> None:
    found = {}
    for path in SERVICES:
        if path.name == "dareclab-migrate.service":
            continue
        command = parse(after_python(shlex.split(Unit(path)["Service"]["ExecStart"])))
        name = path.stem.removeprefix("dareclab-")
        if name == "worker@":
            assert command["--queues"] == "%i"
            found |= {f"worker-{queue}": {**command, "--queues": queue} for queue in CONCURRENCY}
        else:
            found[name] = command
    assert found == local_commands()


def test_concurrency_is_that_of_one_machine() -> None:
    for queue, number in CONCURRENCY.items():
        drop_in = UNITS / f"dareclab-worker@{queue}.service.d" / "concurrency.conf"
        path = drop_in if drop_in.exists() else UNITS / "dareclab-worker@.service"
        assert f"CONCURRENCY={number}" in Unit(path)["Service"]["Environment"], queue


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_each_unit_has_few_rights_and_knows_its_settings(path: Path) -> None:
    service = Unit(path)["Service"]
    for name in ("NoNewPrivileges", "PrivateTmp", "ProtectHome", "ProtectKernelModules", "RestrictSUIDSGID", "LockPersonality"):
        assert service[name] == "yes", name
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert service["User"] == "dareclab"
    assert service["EnvironmentFile"] == "/etc/dareclab/environment"


def test_the_example_environment_names_settings_of_the_readme() -> None:
    listed = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    names = re.findall(r"^([A-Z_]+)=", (UNITS / "environment.example").read_text(encoding="utf-8"), re.MULTILINE)
    of_others = {"HOME", "PYTHONUNBUFFERED", "DJANGO_SETTINGS_MODULE"}
    assert {name.removesuffix("_FILE") for name in names} - of_others <= listed


def test_systemd_agrees(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    # The programs must exist for it: those of this test stand for /opt/dareclab.
    names = []
    for path in [*SERVICES, UNITS / "dareclab.target"]:
        text = path.read_text(encoding="utf-8").replace("/opt/dareclab/.venv/bin/python", sys.executable)
        copy = tmp_path / path.name
        copy.write_text(text.replace("/opt/dareclab", str(ROOT)), encoding="utf-8")
        names += (
            [str(tmp_path / f"dareclab-worker@{queue}.service") for queue in CONCURRENCY] if "@" in path.name else [str(copy)]
        )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", "--man=no", *names], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "dareclab" in line]
    assert (done.returncode, ours) == (0, []), done.stderr
