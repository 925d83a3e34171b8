"""What other people's tools say about our own code, and about the packages that we pin."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.tools.environments import tool

ROOT = Path(__file__).resolve().parents[2]
OURS = ("engine", "workers", "webapp", "deploy")


def test_bandit_finds_nothing_that_is_not_explained() -> None:
    command = [str(tool("bandit")), "-r", *OURS, "--severity-level", "medium", "--format", "json", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    report = json.loads(done.stdout)
    assert report["errors"] == []
    found = [f"{one['filename']}:{one['line_number']}: {one['test_id']} {one['issue_text']}" for one in report["results"]]
    assert found == []


def test_each_exception_says_what_it_is_of_and_why() -> None:
    for folder in OURS:
        for path in (ROOT / folder).rglob("*.py"):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                _, marked, said = line.partition("# nosec")
                if marked:
                    rules, _, reason = said.strip().partition("# ")
                    assert {rule[:1] for rule in rules.split()} == {"B"}, f"{path}:{number}: name the rule"
                    assert len(reason) > 5, f"{path}:{number}: say why"


@pytest.mark.skipif(not os.environ.get("PIP_AUDIT"), reason="asks a database in the internet; PIP_AUDIT=1 runs it")
def test_no_pinned_package_has_a_known_hole() -> None:
    command = [
        str(tool("pip-audit")),
        "--requirement",
        "constraints.txt",
        "--no-deps",
        "--disable-pip",
        "--progress-spinner",
        "off",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    if "ConnectionError" in done.stderr or "Max retries" in done.stderr:
        pytest.skip("the database of known holes cannot be reached from here")
    assert done.returncode == 0, done.stdout + done.stderr
