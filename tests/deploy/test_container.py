"""The image and the compose file: the same services as on one machine, without secrets. hadolint, yamllint and the schema of
Compose look at them too, and ``docker compose`` where it is installed."""

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.home import ROOT
from tests.deploy.commands import after_python, local_commands, parse
from tests.tools.environments import tool
from webapp.broker import QUEUES

DEPLOY = ROOT / "deploy"
COMPOSE = ("compose.yaml", "compose.gpu.yaml", "compose.s3.yaml")


def load(name: str) -> dict[str, Any]:
    loaded = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=DEPLOY, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120
    )


def dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def test_compose_starts_the_services_of_one_machine() -> None:
    services = load("compose.yaml")["services"]
    ours = {name: service for name, service in services.items() if name not in ("postgres", "redis", "migrate")}
    assert {name: parse(after_python(service["command"])) for name, service in ours.items()} == local_commands()
    assert {command["--queues"] for command in local_commands().values() if "--queues" in command} == set(QUEUES.values())
    for service in ours.values():
        assert service["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "postgres": {"condition": "service_healthy"},
            "redis": {"condition": "service_healthy"},
        }
    assert services["migrate"]["command"] == ["python", "manage.py", "migrate", "--noinput"]


def test_every_service_of_compose_has_a_health_check_and_no_rights() -> None:
    for name, service in load("compose.yaml")["services"].items():
        assert "healthcheck" in service, name
        assert "privileged" not in service, name
        if name not in ("postgres", "redis"):
            assert service["cap_drop"] == ["ALL"]
            assert service["read_only"] is True
            assert service["security_opt"] == ["no-new-privileges:true"]


def test_what_compose_names_is_declared() -> None:
    for name in COMPOSE:
        content = load(name)
        whole = load("compose.yaml")
        for service in content["services"].values():
            assert set(service.get("secrets", [])) <= set(whole["secrets"]) | set(content.get("secrets", {}))
            assert set(service.get("networks", [])) <= set(whole["networks"])
            assert {volume.split(":")[0] for volume in service.get("volumes", [])} <= set(whole["volumes"])
            assert set(service.get("depends_on", {})) <= set(whole["services"])
        assert set(content["services"]) <= set(whole["services"])


def test_secrets_come_from_files_that_the_script_makes(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "secrets.sh", tmp_path)
    done = subprocess.run(["sh", str(tmp_path / "secrets.sh")], capture_output=True, text=True, check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    declared = load("compose.yaml")["secrets"]
    assert {name: value["file"] for name, value in declared.items()} == {name: f"./secrets/{name}" for name in made}
    assert made["database_url"] == f"postgresql://dareclab:{made['postgres_password']}@postgres:5432/dareclab"
    assert made["broker_url"] == f"redis://:{made['redis_password']}@redis:6379/0"
    assert len(made["secret_key"]) == 64
    assert not any(value in done.stdout for value in made.values())
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    subprocess.run(["sh", str(tmp_path / "secrets.sh")], capture_output=True, check=True)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made
    # Git and the image's context leave them out.
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "deploy/secrets" in (ROOT / ".dockerignore").read_text().splitlines()


def test_no_password_is_written_in_a_file() -> None:
    for name in COMPOSE:
        text = (DEPLOY / name).read_text(encoding="utf-8")
        assert not re.search(r"(PASSWORD|SECRET_KEY|DATABASE_URL|BROKER_URL)\s*[:=]", text), name
    # The one value in the Dockerfile is for collecting static files, in a stage that is thrown away.
    assert re.findall(r"SECRET_KEY=(\S+)", dockerfile()) == ["only-to-collect-static-files-while-the-image-is-built"]
    final = dockerfile().split("FROM ")[-1]
    assert "SECRET_KEY" not in final


def test_the_image_has_two_stages_pins_packages_and_drops_root() -> None:
    text = dockerfile()
    stages = re.findall(r"^FROM \S+(?: AS (\S+))?$", text, re.MULTILINE)
    assert stages == ["build", ""]
    final = text.split("FROM ")[-1]
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert "HEALTHCHECK" in final
    assert text.count("--constraint constraints.txt") == 2
    assert "pip install" not in final
    assert "collectstatic" in text
    copied = {source for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE) for source in line.split()}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)


def test_the_image_serves_as_the_supervisor_does() -> None:
    command = json.loads(re.findall(r"^CMD (\[.*\])$", dockerfile(), re.MULTILINE)[-1])
    words = shlex.split(command[2])
    assert words[1] == "exec"
    assert parse(after_python(words[2:])) == local_commands()["web"]


def test_docker_compose_reads_the_files() -> None:
    if not shutil.which("docker") or run("docker", "compose", "version").returncode:
        pytest.skip("docker compose is not installed")
    shown = run(
        "docker", "compose", *(word for name in COMPOSE for word in ("-f", name)), "config", "--quiet", STORAGE_URL="s3://b/p"
    )
    assert shown.returncode == 0, shown.stderr


@pytest.mark.parametrize("name", COMPOSE)
def test_the_schema_of_compose_agrees(name: str) -> None:
    done = run(str(tool("check-jsonschema")), "--builtin-schema", "vendor.compose-spec", name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_of_compose_finds_what_is_wrong(tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((DEPLOY / "compose.yaml").read_text(encoding="utf-8").replace("depends_on:", "depends_upon:"))
    assert run(str(tool("check-jsonschema")), "--builtin-schema", "vendor.compose-spec", str(wrong)).returncode != 0


def test_hadolint_agrees() -> None:
    # Without a file of its own that could switch rules off; one that is ignored is so in the Dockerfile, with its reason.
    done = run(str(tool("hadolint")), "--no-color", "--config", "/dev/null", "Dockerfile")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    ignored = re.findall(r"^# hadolint ignore=(.*)$", dockerfile(), re.MULTILINE)
    assert all("-" in rule for rule in ignored), "say why a rule is ignored"


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.y*ml")), ids=lambda path: str(path.relative_to(DEPLOY)))
def test_yamllint_agrees(path: Path) -> None:
    rules = "{extends: relaxed, rules: {line-length: {max: 140, level: error}, key-duplicates: enable, anchors: enable}}"
    done = run(str(tool("yamllint")), "--strict", "--config-data", rules, str(path))
    assert done.returncode == 0, done.stdout + done.stderr
