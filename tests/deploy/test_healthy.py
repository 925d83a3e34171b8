"""The health check of containers: it tells a service that lives from one that does not, under whatever name it answers."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.utils import timezone

from deploy.healthy import main
from deploy.local.ports import free_port
from tests.webapp.fleet.machines import make_node
from tests.workers.fixtures import database  # noqa: F401
from webapp.fleet.models import WorkerNode


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        fine = self.path == "/healthz" and self.headers["Host"] == "lab.example.org"
        self.send_response(200 if fine else 400)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield str(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_web_server_is_asked_by_its_first_name(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", port)
    monkeypatch.setenv("ALLOWED_HOSTS", ".lab.example.org,other")
    assert main(["web"]) == 0
    monkeypatch.setenv("ALLOWED_HOSTS", "other")
    assert main(["web"]) == 1
    monkeypatch.setenv("PORT", str(free_port()))
    assert main(["web"]) == 1


def test_a_host_lives_if_something_of_it_gave_a_sign(database: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    node = make_node()
    monkeypatch.setattr("socket.gethostname", lambda: node.host)
    assert main(["node"]) == 0
    WorkerNode.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=2))
    assert main(["node"]) == 1
    # Without the database nobody can tell.
    monkeypatch.setenv("DATABASE_URL", f"postgresql://x:y@127.0.0.1:{free_port()}/none")
    assert main(["node"]) == 0


def test_other_questions_are_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "web | node" in capsys.readouterr().err
