"""MLflow itself, for the tests: its server on a database file, and its own client in its own environment."""

import http.client
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.local.ports import free_port
from deploy.local.process import LeashedProcess
from tests.tools.environments import tool
from tests.workers.waiting import wait_until

CLIENT = """
import json, sys
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient

client = MlflowClient(sys.argv[1])
found = []
for experiment in client.search_experiments(view_type=ViewType.ACTIVE_ONLY):
    for run in client.search_runs([experiment.experiment_id]):
        key = run.info.run_id
        found.append({
            "id": key,
            "experiment": experiment.name,
            "name": run.info.run_name,
            "status": run.info.status,
            "start": run.info.start_time,
            "end": run.info.end_time,
            "user": run.data.tags.get("mlflow.user"),
            "params": run.data.params,
            "tags": run.data.tags,
            "last": run.data.metrics,
            "metrics": {
                name: [[point.step, point.value, point.timestamp] for point in client.get_metric_history(key, name)]
                for name in run.data.metrics
            },
            "artifacts": [file.path for file in client.list_artifacts(key)],
        })
print(json.dumps(found))
"""


class MlflowServer:
    """A server that runs; ``url`` is what MLFLOW_TRACKING_URI would say."""

    def __init__(self, port: int, environment: dict[str, str], folder: Path) -> None:
        self.port, self._environment, self._folder = port, environment, folder
        self.url = f"http://127.0.0.1:{port}"

    def runs(self) -> list[dict[str, Any]]:
        """All runs, as MLflow's own client reads them."""
        command = [str(tool("python")), "-I", "-W", "ignore", "-c", CLIENT, self.url]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=self._folder, env=self._environment, timeout=120
        )
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
        return found

    def run_named(self, name: str) -> dict[str, Any]:
        """The one run of this name."""
        (found,) = [run for run in self.runs() if run["name"] == name]
        return found

    def rest(self, method: str, endpoint: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call of its REST API, as curl would do it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, f"/api/2.0/mlflow/{endpoint}", content, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            found: dict[str, Any] = json.loads(answer.read())
            assert answer.status == 200, found
            return found
        finally:
            connection.close()


@contextmanager
def mlflow_server(folder: Path) -> Iterator[MlflowServer]:
    """MLflow's server on a free port, with its database in ``folder``; the test is skipped where MLflow is missing."""
    program, port = tool("mlflow"), free_port()
    environment = {"PATH": f"{program.parent}:{os.defpath}", "HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true"}
    store = f"sqlite:///{folder / 'mlflow.db'}"
    command = [
        *(str(program), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", store, "--artifacts-destination", str(folder / "artifacts")),
    ]
    # Nothing is to be saved: it need not end in good order.
    process = LeashedProcess(command, folder / "mlflow.log", environment, folder, stop_seconds=1)
    process.start()
    try:
        wait_until(lambda: _answers(port) or not process.running, 120)
        assert process.running, (folder / "mlflow.log").read_text(encoding="utf-8")
        yield MlflowServer(port, environment, folder)
    finally:
        process.stop()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
