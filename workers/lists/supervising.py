"""The worker's side of lists for everybody: a child process makes them, and this one gives the signs of life."""

import logging
import uuid

from webapp.delivering.models import UserLists
from webapp.storage import delete_folder
from workers.crew import Order, work
from workers.database import retrying
from workers.failures import MAKING_TOOK_TOO_MUCH
from workers.lists.states import beat, claim, fail, give_back, lose
from workers.supervisor import BY_SERVICE, after, scratch_folder, sure
from workers.timings import Timings

_log = logging.getLogger(__name__)


def supervise_lists(pk: int, timings: Timings) -> None:
    """Make the lists of row ``pk`` in a child process, if it is queued, and see to it that it has a true state.

    The child is killed where the row is gone or belongs to another attempt by now.
    Raises django.db.OperationalError if the database stays away; the reaper settles then.
    """
    attempt = retrying(lambda: claim(pk), timings.silence)
    if attempt is None:
        _log.info("lists %d are not queued: nothing to do", pk)
        return
    key, late = f"exports/{uuid.uuid4()}", after(timings.ingest_wall)
    with scratch_folder() as scratch:
        order = Order("lists", pk, str(scratch), attempt, key)
        code = work(order, timings, sure(lambda: late() or not beat(pk, attempt)))
    if code in BY_SERVICE:
        retrying(lambda: give_back(pk, attempt), timings.silence)
    elif code and late():
        retrying(lambda: fail(pk, attempt, MAKING_TOOK_TOO_MUCH), timings.silence)
    elif code:
        retrying(lambda: lose(pk, attempt), timings.silence)
    if not retrying(lambda: UserLists.objects.filter(storage_key__startswith=f"{key}/").exists(), timings.silence):
        delete_folder(key)
