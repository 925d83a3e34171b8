"""TCP ports of the loopback address."""

import socket


def free_port(preferred: int = 0) -> int:
    """``preferred`` if nobody listens there, else one that the system picks."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free TCP port on 127.0.0.1")


def is_free(port: int) -> bool:
    """Whether ``port`` can be listened on."""
    return free_port(port) == port
