"""The worker's side of a question to a trained run: a child process that stays warm answers, and dies if it takes too long."""

import logging
from dataclasses import replace

from django.db.models.functions import Now

from webapp.serving.models import Ask, AskState
from workers.crew import Order, work
from workers.database import retrying
from workers.failures import SERVING_TOOK_TOO_MUCH
from workers.serving.answers import settle
from workers.supervisor import BY_SERVICE, after, scratch_folder, sure
from workers.timings import Timings

_log = logging.getLogger(__name__)


def supervise_ask(pk: int, timings: Timings) -> None:
    """Have question ``pk`` answered, in a process that holds the models that were asked lately.

    Where the service stops, the question stays asked, and the reaper asks again.
    Raises django.db.OperationalError if the database stays away; the reaper asks again then.
    """
    asked = Ask.objects.filter(pk=pk, state=AskState.ASKED)
    if not retrying(asked.exists, timings.silence):
        _log.info("question %d to a run is not asked: nothing to do", pk)
        return
    warm, late = replace(timings, warm=timings.serve_warm), after(timings.serve_wall)

    def look() -> bool:
        # Where the question is gone with whoever asked it, the warm models stay.
        asked.update(heartbeat_at=Now())
        return late()

    must_die = sure(look)
    must_die()
    with scratch_folder() as scratch:
        code = work(Order("ask", pk, str(scratch)), warm, must_die, keep="models")
    if not code:
        return
    ask = retrying(asked.first, timings.silence)
    if ask is None:
        return
    if code in BY_SERVICE:
        retrying(lambda: asked.update(taken_at=None), timings.silence)
        return
    _log.warning("question %d to a run was not answered: the child ended with %d", pk, code)
    retrying(lambda: settle(ask, failure=SERVING_TOOK_TOO_MUCH), timings.silence)
