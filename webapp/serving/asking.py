"""Asking a trained run, and waiting for its answer for a moment. Pages and REST ask in the same way."""

import time
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction

from engine.errors import UserError
from webapp.broker import SERVE_TASK, ask_or_wait
from webapp.experiments.actions import check_storable
from webapp.experiments.models import Run, RunState
from webapp.serving.models import Ask, AskKind, AskState

LONGEST_HISTORY = 200
LONGEST_LIST = 100
LONGEST_TEXT = 500
OPEN_AT_ONCE = 20
"""So many questions of one person may wait for an answer."""
_LOOK = 0.25
"""A notice of Postgres may be lost with its connection: the row is read again after so many seconds in any case."""


def recommend_question(items: Sequence[str], k: int, query: str = "") -> dict[str, Any]:
    """The question what comes after ``items`` (ids, oldest first; none: only find titles); raises UserError."""
    if len(items) > LONGEST_HISTORY:
        raise UserError(f"{len(items)} items are too many.", f"Choose {LONGEST_HISTORY} or fewer.")
    return {"items": [_short(item) for item in items], "k": _length(k), "query": _short(query)}


def everything_question(user: str, k: int) -> dict[str, Any]:
    """The question what comes after all that ``user``, an id of the version, did there; raises UserError."""
    if not user:
        raise UserError("No user is named.", "Send the id as it stands in the data.")
    return {"items": [], "k": _length(k), "query": "", "of_user": _short(user)}


def user_question(user: str, k: int) -> dict[str, Any]:
    """The question what is recommended to ``user``, an id of the version; raises UserError."""
    if not user:
        raise UserError("No user is named.", "Type an id as it stands in the data.")
    return {"user": _short(user), "k": _length(k)}


@transaction.atomic
def ask_run(run: Run, user: User, kind: AskKind, question: dict[str, Any]) -> Ask:
    """Ask a worker; raises UserError if the run has no model yet, or this person has too many open questions."""
    if run.state != RunState.SUCCEEDED:
        raise UserError(f"{run} is {run.get_state_display()}: it has no trained model to ask.", "Ask a run that has succeeded.")
    check_storable(question)
    if Ask.objects.filter(asked_by=user, state=AskState.ASKED).count() >= OPEN_AT_ONCE:
        raise UserError(
            f"{OPEN_AT_ONCE} of your questions still wait for an answer.",
            "Wait until they are answered; if that takes long, no worker may be listening to the queue serve.",
        )
    ask = Ask.objects.create(run=run, kind=kind, question=question, asked_by=user)
    transaction.on_commit(lambda: ask_or_wait(SERVE_TASK, ask.pk))
    return ask


def known_titles(run: Run, user: User, ask: str) -> dict[str, str]:
    """The titles by id of all items that an earlier answer to this person names; ``ask``: its key, as text."""
    if not (ask.isdecimal() and len(ask) < 19):
        return {}
    answers = Ask.objects.filter(pk=int(ask), run=run, asked_by=user, kind=AskKind.RECOMMEND).values_list("answer", flat=True)
    lines = [line for answer in answers for part in ("history", "found", "recommended") for line in answer.get(part, [])]
    return {line["id"]: line["title"] for line in lines}


def withdraw(run: Run, user: User, ask: str) -> None:
    """Forget a question of this person that is not answered yet and that a newer one replaces; ``ask``: its key, as text."""
    if ask.isdecimal() and len(ask) < 19:
        Ask.objects.filter(pk=int(ask), run=run, asked_by=user, state=AskState.ASKED, taken_at=None).delete()


def wait_for_answer(ask: Ask, seconds: float) -> bool:
    """Wait until ``ask`` is answered, ``seconds`` at most, and refresh it; whether it is."""
    deadline = time.monotonic() + seconds
    with connection.cursor() as cursor:
        # The channel is made of a number of ours.
        cursor.execute(f"LISTEN {ask.channel}")
        try:
            while True:
                ask.refresh_from_db(fields=["state", "answer", "error", "hint", "taken_at", "answered_at"])
                left = deadline - time.monotonic()
                if ask.state != AskState.ASKED or left <= 0:
                    return ask.state != AskState.ASKED
                for _ in connection.connection.notifies(timeout=min(left, _LOOK), stop_after=1):
                    pass
        finally:
            cursor.execute(f"UNLISTEN {ask.channel}")


def _short(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise UserError(f"A text of {len(text):,} characters is too long.", f"Use {LONGEST_TEXT} or fewer.")
    return text


def _length(k: int) -> int:
    if not 1 <= k <= LONGEST_LIST:
        raise UserError(f"k: got {k}, must be between 1 and {LONGEST_LIST}.", "It is the number of items recommended.")
    return k
