"""The web server as it is deployed: each of its lines is a JSON object, and those about a request have its id."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from deploy.local.home import ROOT
from deploy.local.services import web_command
from tests.workers.waiting import wait_until

pytestmark = pytest.mark.services


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def get(port: int, path: str, request_id: str) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"X-Request-ID": request_id})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 (our own http address)
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize("form", ["json", "plain"])
def test_every_line_of_the_server(form: str, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    environment = {**os.environ, "LOG_FORMAT": form, "DEBUG": "1", "ALLOWED_HOSTS": "127.0.0.1"}
    with log.open("wb") as sink:
        command = [sys.executable, "-m", *web_command("127.0.0.1", str(port), "2")]
        server = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=sink, stderr=sink)
    try:
        wait_until(lambda: "Application startup complete" in log.read_text(), 60)
        assert get(port, "/healthz", "my-request") == 200
        assert get(port, "/nothing%0AERROR%20root:%20forged%1b[2J", "other-request") == 404
        assert get(port, "/join/0123456789ab_topsecret", "third-request") in (200, 302, 404, 500)
    finally:
        server.terminate()
        server.wait(30)
    lines = log.read_text().splitlines()
    assert "topsecret" not in log.read_text()
    assert all(line.isprintable() for line in lines)
    if form == "plain":
        # Each begins with its time, or is part of a traceback.
        assert all(line.startswith(("20", "    | ")) for line in lines), lines
        assert any("INFO uvicorn.access [my-request]: 127.0.0.1" in line for line in lines)
        return
    found = [json.loads(line) for line in lines]
    loggers = {line["logger"] for line in found}
    assert {"uvicorn.error", "uvicorn.access", "django.request"} <= loggers
    of_one = [line for line in found if line.get("request_id") == "my-request"]
    assert [line["logger"] for line in of_one] == ["uvicorn.access"]
    assert {line["logger"] for line in found if line.get("request_id") == "other-request"} == {"uvicorn.access", "django.request"}
    assert not any("request_id" in line for line in found if line["logger"] == "uvicorn.error" and "rocess" in line["message"])
