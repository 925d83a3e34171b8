"""Following what workers do, until it has ended or nothing moves any more."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection

from deploy.local.errors import ServiceError

Seen = TypeVar("Seen")
STUCK_MINUTES = 8.0
"""Nothing may stand still for longer: a lost attempt is noticed and repeated within two minutes."""
LOOK_SECONDS = 0.5
_SILENCE_SECONDS = 60.0


def follow(
    look: Callable[[], Seen], show: Callable[[Seen], None], ended: Callable[[Seen], bool], check: Callable[[], None]
) -> None:
    """Look again and again until it has ended.

    Args:
        look: reads what is to be seen from the database; two sights are equal if nothing has moved.
        show: gets the sight at each look.
        check: raises if the services are gone.

    Raises:
        ServiceError: nothing moves any more, or the database does not answer for a minute.
    """
    before: Seen | None = None
    answered = moved = time.monotonic()
    while True:
        check()
        try:
            sight = look()
        except OperationalError as error:
            connection.close()
            if time.monotonic() > answered + _SILENCE_SECONDS:
                raise ServiceError("The database does not answer any more.", str(error)) from error
            time.sleep(1)
            continue
        answered = time.monotonic()
        show(sight)
        if ended(sight):
            return
        if sight != before:
            before, moved = sight, time.monotonic()
        elif time.monotonic() > moved + 60 * STUCK_MINUTES:
            raise ServiceError(f"Nothing has moved for {STUCK_MINUTES:.0f} minutes.", "See the log of worker-gpu.")
        time.sleep(LOOK_SECONDS)
