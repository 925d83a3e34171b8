"""Connections whose answers leave at once. The web server's command names this class (``--http``).

A server with several processes listens on a socket for which asyncio does not switch Nagle's algorithm off. The body of an
answer then waits until the client has acknowledged the head, which takes it 40 ms on a connection that is kept open.
"""

import asyncio
import socket

from uvicorn.protocols.http.h11_impl import H11Protocol


class PromptProtocol(H11Protocol):
    """HTTP/1.1 without Nagle's algorithm."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by the event loop."""
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)
