"""Fixtures of all tests. Postgres and Redis are started by the plugin deploy.local.testing, before this file is read."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = ("127.", "localhost", "::1")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real data sets (ml-100k, ...), outside the project: DARECLAB_DATA, else ../shared/data."""
    folder = Path(os.environ.get("DARECLAB_DATA") or ROOT.parent / "shared" / "data").resolve()
    if not (folder / "ml-100k").is_dir():
        pytest.skip(f"no real data sets in {folder}; set DARECLAB_DATA to the folder that has ml-100k")
    return folder


@pytest.fixture(autouse=True, scope="session")
def _only_loopback() -> Iterator[None]:
    """Refuse connections to other machines: no test may need the network."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(LOOPBACK):
            raise PermissionError(f"a test tried to connect to {address[0]}; only this machine's loopback is allowed")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield
