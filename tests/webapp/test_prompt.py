"""The web server as it is deployed: the head and the body of an answer leave at once, on connections that are kept open."""

import socket
import threading

import uvicorn

from webapp.prompt import PromptProtocol


class _Noting(PromptProtocol):
    seen: "list[int]" = []

    def connection_made(self, transport: object) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        connection = transport.get_extra_info("socket")  # type: ignore[attr-defined]
        self.seen.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


async def _answer(scope: object, receive: object, send: object) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b"ok"})  # type: ignore[operator]


def test_nagle_is_off_on_a_socket_that_processes_share() -> None:
    _Noting.seen.clear()
    # As with several processes: the socket is made before, without naming its protocol.
    with socket.socket(socket.AF_INET) as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(_answer, http=_Noting, lifespan="off", log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            listening.listen()
            with socket.create_connection(listening.getsockname(), timeout=20) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                body = b""
                while piece := client.recv(1000):
                    body += piece
        finally:
            server.should_exit = True
            thread.join(20)
    assert body.endswith(b"ok")
    assert _Noting.seen == [1]
