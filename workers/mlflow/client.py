"""The few calls of MLflow's REST API (version 2.0) that a mirror needs; https://mlflow.org/docs/latest/rest-api.html."""

import base64
import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings

from webapp.environment import env

_SECONDS = 10.0
_LONGEST_ANSWER = 10_000_000
_LONGEST_WORDS = 150
MOST_METRICS = 1000
MOST_PARAMS = 100
MOST_TAGS = 100
"""Of one ``log_batch``: MLflow's own limits."""


class MlflowError(Exception):
    """A call did not go well; the message is for operators, without secrets.

    Attributes:
        code: MLflow's ``error_code``; empty where the server did not answer.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Mlflow:
    """A server, asked anew with each call.

    Args:
        address: ``http(s)://host:port/prefix``; who runs this site chose it.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise MlflowError("MLFLOW_TRACKING_URI must be http://host:port or https://host.")
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Content-Type": "application/json", "User-Agent": "DARec-Lab", **_login()}

    @classmethod
    def of_settings(cls) -> "Mlflow":
        """The one that MLFLOW_TRACKING_URI names."""
        return cls(settings.MLFLOW_TRACKING_URI)

    def experiment(self, name: str) -> str:
        """The id of the experiment ``name``, made if it is not there."""
        try:
            return self._experiment(name)
        except MlflowError as error:
            if error.code != "RESOURCE_DOES_NOT_EXIST":
                raise
        try:
            return str(self._call("POST", "experiments/create", {"name": name})["experiment_id"])
        except MlflowError as error:
            # Somebody else was faster.
            if error.code != "RESOURCE_ALREADY_EXISTS":
                raise
        return self._experiment(name)

    def find_run(self, experiment: str, tag: str, value: str) -> str | None:
        """The id of a run of ``experiment`` with a tag of this value (without quotes in it), if there is one."""
        asked = {"experiment_ids": [experiment], "filter": f"tags.`{tag}` = '{value}'", "max_results": 1}
        found = self._call("POST", "runs/search", asked).get("runs") or []
        return str(found[0]["info"]["run_id"]) if found else None

    def create_run(self, experiment: str, name: str, start: int, tags: Mapping[str, str]) -> str:
        """Make a run that began at ``start`` (milliseconds since 1970); returns its id."""
        body = {"experiment_id": experiment, "run_name": name, "start_time": start, "tags": _pairs(tags)}
        return str(self._call("POST", "runs/create", body)["run"]["info"]["run_id"])

    def log_batch(
        self,
        run: str,
        metrics: Sequence[Mapping[str, Any]] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log metrics (``key``, ``value``, ``timestamp``, ``step``), params and tags, within the limits above."""
        body = {"run_id": run, "metrics": list(metrics), "params": _pairs(params or {}), "tags": _pairs(tags or {})}
        self._call("POST", "runs/log-batch", body)

    def update_run(self, run: str, status: str, end: int | None) -> None:
        """Set the status (RUNNING, FINISHED, FAILED or KILLED), and when it ended."""
        self._call("POST", "runs/update", {"run_id": run, "status": status, **({} if end is None else {"end_time": end})})

    def _experiment(self, name: str) -> str:
        found = self._call("GET", f"experiments/get-by-name?{urlencode({'experiment_name': name}, quote_via=quote)}")
        return str(found["experiment"]["experiment_id"])

    def _call(self, method: str, endpoint: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        connection = self._connection()
        try:
            content = None if body is None else json.dumps(body).encode()
            connection.request(method, f"{self._prefix}/api/2.0/mlflow/{endpoint}", content, self._headers)
            answer = connection.getresponse()
            text = answer.read(_LONGEST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise MlflowError(f"The MLflow server did not answer ({type(error).__name__}).") from error
        finally:
            connection.close()
        try:
            found = json.loads(text or b"{}")
        except ValueError as error:
            raise MlflowError(f"The MLflow server answered {answer.status}, and not in JSON.") from error
        if not 200 <= answer.status < 300 or not isinstance(found, dict):
            told = found if isinstance(found, dict) else {}
            code, words = str(told.get("error_code", "")), str(told.get("message", ""))[:_LONGEST_WORDS]
            said = f"The MLflow server answered {answer.status} {code} to {endpoint.partition('?')[0]}: {words}"
            raise MlflowError(said, code)
        return found

    def _connection(self) -> http.client.HTTPConnection:
        if self._secure:
            return http.client.HTTPSConnection(self._host, self._port, timeout=_SECONDS, context=ssl.create_default_context())
        return http.client.HTTPConnection(self._host, self._port, timeout=_SECONDS)


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _login() -> dict[str, str]:
    """As MLflow's own client reads it: a token, or else user and password."""
    token, user = env("MLFLOW_TRACKING_TOKEN"), env("MLFLOW_TRACKING_USERNAME")
    if token:
        return {"Authorization": f"Bearer {token}"}
    if user:
        pair = f"{user}:{env('MLFLOW_TRACKING_PASSWORD') or ''}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}
