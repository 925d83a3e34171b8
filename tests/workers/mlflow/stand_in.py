"""A stand-in for an MLflow server that fails when it is told to, which MLflow's own never does; test_real.py asks that one.

It speaks the few calls that a mirror needs of the REST API (version 2.0).
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_FILTER = re.compile(r"^tags\.`(?P<tag>[^`]+)` = '(?P<value>[^']*)'$")


class Refused(Exception):
    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.status = code, status


@dataclass
class RemoteRun:
    """A run as the stand-in keeps it."""

    experiment: str
    name: str
    start: int
    tags: dict[str, str]
    params: dict[str, str] = field(default_factory=dict)
    metrics: list[tuple[str, float, int]] = field(default_factory=list)
    status: str = "RUNNING"
    end: int | None = None


@dataclass
class StandIn:
    """Experiments by name and runs by id; with ``failing`` it answers 503, with ``cutting`` it acts but does not answer."""

    port: int = 0
    experiments: dict[str, str] = field(default_factory=dict)
    runs: dict[str, RemoteRun] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    failing: bool = False
    cutting: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/prefix/"

    def answer(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        parts = urlsplit(path)
        endpoint = parts.path.removeprefix("/prefix/api/2.0/mlflow/")
        self.calls.append(endpoint)
        if self.failing:
            raise Refused("TEMPORARILY_UNAVAILABLE", 503)
        if (method, endpoint) == ("GET", "experiments/get-by-name"):
            (name,) = parse_qs(parts.query)["experiment_name"]
            if name not in self.experiments:
                raise Refused("RESOURCE_DOES_NOT_EXIST", 404)
            return {"experiment": {"experiment_id": self.experiments[name], "name": name}}
        known = {
            "experiments/create": self._create_experiment,
            "runs/search": self._search,
            "runs/create": self._create_run,
            "runs/log-batch": self._log_batch,
            "runs/update": self._update,
        }
        if method != "POST" or endpoint not in known:
            raise Refused("ENDPOINT_NOT_FOUND", 404)
        return known[endpoint](body)

    def _create_experiment(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["name"] in self.experiments:
            raise Refused("RESOURCE_ALREADY_EXISTS")
        self.experiments[body["name"]] = str(len(self.experiments) + 1)
        return {"experiment_id": self.experiments[body["name"]]}

    def _search(self, body: dict[str, Any]) -> dict[str, Any]:
        asked = _FILTER.match(body["filter"])
        if asked is None:
            raise Refused("INVALID_PARAMETER_VALUE")
        found = [
            {"info": {"run_id": key}}
            for key, run in self.runs.items()
            if run.experiment in body["experiment_ids"] and run.tags.get(asked["tag"]) == asked["value"]
        ]
        # Like MLflow, no "runs" where there is none.
        return {"runs": found[: body["max_results"]]} if found else {}

    def _create_run(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["experiment_id"] not in self.experiments.values():
            raise Refused("RESOURCE_DOES_NOT_EXIST", 404)
        key = f"{len(self.runs):032x}"
        self.runs[key] = RemoteRun(body["experiment_id"], body["run_name"], body["start_time"], pairs(body["tags"]))
        return {"run": {"info": {"run_id": key}}}

    def _log_batch(self, body: dict[str, Any]) -> dict[str, Any]:
        run = self._run(body)
        metrics, params, tags = body["metrics"], pairs(body["params"]), pairs(body["tags"])
        run.params |= params
        run.tags |= tags
        run.metrics += [(metric["key"], float(metric["value"]), metric["step"]) for metric in metrics]
        return {}

    def _update(self, body: dict[str, Any]) -> dict[str, Any]:
        run = self._run(body)
        run.status, run.end = body["status"], body.get("end_time")
        return {"run_info": {}}

    def _run(self, body: dict[str, Any]) -> RemoteRun:
        if body["run_id"] not in self.runs:
            raise Refused("RESOURCE_DOES_NOT_EXIST", 404)
        return self.runs[body["run_id"]]


def pairs(values: list[dict[str, str]]) -> dict[str, str]:
    return {pair["key"]: pair["value"] for pair in values}


@contextmanager
def mlflow_stand_in() -> Iterator[StandIn]:
    """Serving on a port of this machine."""
    server_state = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, body: dict[str, Any]) -> None:
            server_state.headers.append({name.lower(): value for name, value in self.headers.items()})
            try:
                status, found = 200, server_state.answer(self.command, self.path, body)
            except Refused as error:
                status, found = error.status, {"error_code": error.code, "message": "no"}
            if server_state.cutting and self.path.endswith(server_state.cutting):
                return  # closes without a word
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server_state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server_state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
