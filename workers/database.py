"""Living with a database that is away for a while."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

T = TypeVar("T")
DATABASE_DOWN = (OperationalError, InterfaceError)
"""What Django raises when the server is gone or the connection broke; anything else is a fault of ours."""
_log = logging.getLogger(__name__)


def retrying(action: Callable[[], T], seconds: float, pause: float = 0.5) -> T:
    """Do ``action`` again until the database answers, for at most ``seconds``; then the last error is raised.

    ``action`` may have been committed although its answer was lost, so it must bear being done twice.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except DATABASE_DOWN as error:
            connection.close()
            if time.monotonic() + pause > deadline:
                raise
            _log.warning("the database does not answer, trying again: %s", str(error).strip())
            time.sleep(pause)
