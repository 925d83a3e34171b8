"""Asking for lists for every user, and finding those that were made."""

import re
from collections.abc import Collection

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import Http404

from engine.errors import UserError
from webapp.accounts.access import require_role
from webapp.accounts.models import Role
from webapp.broker import LISTS_TASK, ask_or_wait
from webapp.datasets.models import VersionState
from webapp.delivering.models import ACTIVE, ListFormat, ListsState, SeenRule, UserLists
from webapp.experiments.models import Run, RunState
from webapp.experiments.stamps import Sight
from webapp.polling import stamp_of
from webapp.quotas.room import require_room

KEPT_DAYS = 7
MOST_ITEMS = 200
OPEN_AT_ONCE = 5
"""So many files of a project may wait or be made."""


def lists_of(run: Run) -> QuerySet[UserLists]:
    """The files of a run, newest first."""
    return run.user_lists.select_related("asked_by").order_by("-pk")


def get_lists(run: Run, pk: int) -> UserLists:
    """One of them, or 404."""
    found = run.user_lists.filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such file, or it was swept.")
    return found


@transaction.atomic
def ask_for_lists(run: Run, user: User, form: str, k: str, seen: str) -> UserLists:
    """Have the best ``k`` items for every user of the run's version written to a file.

    What is there already, or under way, is not made again.

    Raises:
        PermissionDenied: the user is no researcher of the project.
        UserError: the run has no model, a value is wrong, too many files are being made, or the project has used up its disk.
    """
    require_role(user, run.project, Role.RESEARCHER)
    if run.state != RunState.SUCCEEDED:
        raise UserError(f"{run} is {run.get_state_display()}: it has no trained model.", "Ask a run that has succeeded.")
    if run.version.state != VersionState.READY:
        raise UserError(f"The version of {run} is {run.version.state}.", "Launch a run on a version that is ready.")
    if form not in ListFormat.values or seen not in SeenRule.values:
        raise UserError("There is no such format or rule.", "Choose them from the lists.")
    if form == ListFormat.TREC:
        if not run.test:
            raise UserError(f"{run} was not tested.", "TREC files hold a test's lists: ask a run that has test metrics.")
        seen = SeenRule.PROTOCOL  # they are for other programs to compute the run's own figures
    values = {"run": run, "form": form, "k": _length(k), "seen": seen}
    known = (
        UserLists.objects.filter(**values).exclude(state__in=(ListsState.FAILED, ListsState.CANCELLED)).order_by("-pk").first()
    )
    if known is not None:
        return known
    if UserLists.objects.filter(run__project=run.project_id, state__in=ACTIVE).count() >= OPEN_AT_ONCE:
        raise UserError(f"{OPEN_AT_ONCE} files of this project are being made already.", "Wait until one of them is ready.")
    require_room(run.project_id)
    lists = UserLists.objects.create(**values, asked_by=user)
    transaction.on_commit(lambda: ask_or_wait(LISTS_TASK, lists.pk))
    return lists


def cancel_lists(lists: UserLists, user: User) -> None:
    """End ``lists`` before their file is whole; nothing of it is kept. Cancelling twice changes nothing.

    A worker that makes them notices within seconds, by its row: it stops, and clears its half file away.

    Raises:
        PermissionDenied: the user is no researcher of the project.
        UserError: they are ready, or have failed.
    """
    require_role(user, lists.run.project, Role.RESEARCHER)
    UserLists.objects.filter(pk=lists.pk, state__in=ACTIVE).update(state=ListsState.CANCELLED, finished_at=Now())
    lists.refresh_from_db(fields=("state", "finished_at"))
    if lists.state != ListsState.CANCELLED:
        raise UserError(f"{lists.file_name} is {lists.get_state_display()} already.", "There is nothing to cancel.")


def look_at_lists(ids: Collection[int]) -> dict[int, Sight]:
    """How the files ``ids`` stand, by id, in one query; those that are gone are left out."""
    rows = UserLists.objects.filter(pk__in=ids).values_list("pk", "state", "progress", "attempt")
    return {pk: Sight(stamp_of(pk, state, *rest), state not in ACTIVE) for pk, state, *rest in rows}


def _length(text: str) -> int:
    if not re.fullmatch("[0-9]{1,4}", text.strip()) or not 1 <= int(text) <= MOST_ITEMS:
        raise UserError(f"Items a user: got {text[:20]!r}, must be 1 to {MOST_ITEMS}.", "Write a whole number.")
    return int(text)
