"""The Kubernetes manifests: the services of one machine, hardened, with probes. The schemas of Kubernetes look at them too, and
``kubectl kustomize`` where it is installed."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.urls import resolve

from deploy.local.home import ROOT
from deploy.local.services import CONCURRENCY
from tests.deploy.commands import after_python, local_commands, parse
from tests.tools.environments import tool

FOLDER = ROOT / "deploy" / "kubernetes"
FILES = sorted(FOLDER.glob("*.yaml"))


def documents() -> Iterator[dict[str, Any]]:
    for path in FILES:
        if path.name != "kustomization.yaml":
            yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {document["metadata"]["name"]: document for document in documents() if document["kind"] == kind}


def pods() -> dict[str, dict[str, Any]]:
    """The pods of Deployments and Jobs, by name."""
    return {name: document["spec"]["template"]["spec"] for name, document in (of_kind("Deployment") | of_kind("Job")).items()}


def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod["containers"]
    assert isinstance(only, dict)
    return only


def test_deployments_start_the_services_of_one_machine() -> None:
    found = {name: parse(after_python(container(pod)["command"])) for name, pod in pods().items() if name != "migrate"}
    assert found == local_commands()
    for queue, number in CONCURRENCY.items():
        command = container(pods()[f"worker-{queue}"])["command"]
        assert command[command.index("--concurrency") + 1] == str(number)


def test_pods_have_no_rights_and_wait_for_the_tables() -> None:
    for name, pod in pods().items():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for each in [*pod["containers"], *pod.get("initContainers", [])]:
            closed = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
            assert each["securityContext"] == closed
            assert "memory" in each["resources"]["limits"], name
            volumes = {volume["name"] for volume in pod["volumes"]}
            assert {mount["name"] for mount in each["volumeMounts"]} <= volumes
        if name != "migrate":
            assert pod["initContainers"][0]["command"] == ["python", "manage.py", "migrate", "--check"]
            assert "livenessProbe" in container(pod)
    assert container(pods()["migrate"])["command"] == ["python", "manage.py", "migrate", "--noinput"]


def test_probes_ask_pages_that_exist_under_a_name_that_is_answered() -> None:
    web = container(pods()["web"])
    allowed = of_kind("ConfigMap")["dareclab"]["data"]["ALLOWED_HOSTS"].split(",")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = web[probe]["httpGet"]
        assert resolve(asked["path"].partition("?")[0])
        assert {"name": "Host", "value": allowed[0]} in asked["httpHeaders"]
        assert asked["port"] == web["ports"][0]["name"]
    # A pod is started anew only where its process does not answer, and takes no people while it has no database.
    assert web["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz?only=web"
    assert of_kind("Service")["web"]["spec"]["ports"][0]["targetPort"] == "http"


def test_the_gpu_worker_alone_asks_for_a_gpu() -> None:
    with_gpu = {name for name, pod in pods().items() if "nvidia.com/gpu" in container(pod)["resources"]["limits"]}
    assert with_gpu == {"worker-gpu"}
    assert pods()["worker-gpu"]["nodeSelector"] == {"nvidia.com/gpu.present": "true"}


def test_settings_and_secrets_belong_together() -> None:
    values = of_kind("ConfigMap")["dareclab"]["data"]
    files = {Path(value).name for name, value in values.items() if value.startswith("/run/secrets/dareclab/")}
    secrets = of_kind("Secret")["dareclab"]["stringData"]
    assert set(secrets) == files
    assert all("CHANGE-ME" in value for value in secrets.values())
    for pod in pods().values():
        assert {"name": "secrets", "secret": {"secretName": "dareclab", "defaultMode": 0o440}} in pod["volumes"]
        assert container(pod)["envFrom"] == [{"configMapRef": {"name": "dareclab"}}]
    assert {document["metadata"].get("namespace") for document in documents() if document["kind"] != "Namespace"} == {"dareclab"}


def test_kustomize_builds_all_but_the_examples() -> None:
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    assert set(listed) == {path.name for path in FILES} - {"kustomization.yaml", "secret.example.yaml", "storage.yaml"}
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed; the list of files was checked")
    built = subprocess.run(["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    images = {each["image"] for each in _containers(yaml.safe_load_all(built.stdout))}
    assert images == {"registry.example.org/darec-lab:0.1.0"}


def _containers(built: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for document in built:
        pod = document.get("spec", {}).get("template", {}).get("spec", {})
        yield from [*pod.get("containers", []), *pod.get("initContainers", [])]


def test_the_schemas_of_kubernetes_agree() -> None:
    names = [str(path) for path in FILES if path.name != "kustomization.yaml"]
    done = subprocess.run([tool("kubernetes-validate"), "--strict", *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("passed for resource") == len(list(documents())), done.stdout


def test_the_schemas_of_kubernetes_find_what_is_wrong(tmp_path: Path) -> None:
    wrong = tmp_path / "web.yaml"
    wrong.write_text((FOLDER / "web.yaml").read_text(encoding="utf-8").replace("readinessProbe:", "readynessProbe:"))
    done = subprocess.run([tool("kubernetes-validate"), "--strict", wrong], capture_output=True, text=True, check=False)
    assert done.returncode != 0
