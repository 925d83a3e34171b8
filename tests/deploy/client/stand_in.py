"""A stand-in for a site: it answers what it is told to, for a real one cannot be made to stumble at will."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], Any]
"""Status, headers, body as JSON (bytes: as they are). Status 0 hangs up."""


class StandIn:
    """``answers`` are given in turn; ``requests`` are what came: method, path, headers."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers, self.requests = list(answers), list[tuple[str, str, dict[str, str]]]()
        self.url = ""

    @property
    def keys(self) -> list[str | None]:
        """The Idempotency-Key of each request."""
        return [headers.get("idempotency-key") for _, _, headers in self.requests]


@contextmanager
def standing_in(*answers: Answer) -> Iterator[StandIn]:
    """Serve on loopback."""
    site = StandIn(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            site.requests.append((self.command, self.path, headers))
            status, more, body = site.answers.pop(0)
            if not status:
                self.close_connection = True
                return
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - names of http.server

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
