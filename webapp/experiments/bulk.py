"""One change of many runs: all that can be changed are, in one transaction; the others are named, with the reason."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from engine.errors import UserError
from webapp.accounts.access import require_role, role_of
from webapp.accounts.models import Project, Role
from webapp.audit.trail import record
from webapp.delivering.promoting import held_runs
from webapp.display import count
from webapp.experiments.actions import cancel_runs
from webapp.experiments.events import MAIN_METRIC
from webapp.experiments.marks import clean_tag, set_star, with_tag
from webapp.experiments.models import ACTIVE_STATES, Run, RunState
from webapp.storage import delete_folder

MOST = 10_000
MOST_DELETED = 500
"""Runs at once."""
_NAMED = 5
_MAY_STILL_WRITE = timedelta(minutes=2)
"""The worker of a run that was lost may be alive, and notice only now that the run is no longer its own."""


@dataclass
class Outcome:
    """What became of the runs that were chosen.

    Attributes:
        done: ids of those that were changed; said: how, e.g. "3 runs are archived".
        left: ids of those that were left out, by reason.
    """

    done: list[int] = field(default_factory=list)
    left: dict[str, list[int]] = field(default_factory=dict)
    said: str = ""

    def leave(self, reason: str, pk: int) -> None:
        """Leave one out."""
        self.left.setdefault(reason, []).append(pk)

    @property
    def reasons(self) -> list[str]:
        """Who was left out, and why, in words."""
        return [f"{_names(ids)} {'was' if len(ids) == 1 else 'were'} left out: {reason}." for reason, ids in self.left.items()]


@dataclass(frozen=True)
class BulkAction:
    """Something that can be done with many runs: ``change`` does it; ``role`` is needed."""

    name: str
    label: str
    role: Role
    change: Callable[["_Order"], None]


@dataclass
class _Order:
    project: Project
    user: User
    runs: list[Run]
    tag: str
    outcome: Outcome


@transaction.atomic
def change_many(project: Project, user: User, action: str, ids: Sequence[int], tag: str = "") -> Outcome:
    """Do ``action`` with those of ``ids`` that are runs of ``project``; their rows are locked until all is done.

    Raises:
        PermissionDenied: the role does not reach. UserError: no such action, no run chosen, or too many of them.
    """
    known = ACTIONS.get(action)
    if known is None:
        raise UserError(f"There is no action {action[:40]!r}.", "Choose one from the menu.")
    require_role(user, project, known.role)
    if not ids:
        raise UserError("No run is chosen.", "Tick the runs that you mean.")
    most = MOST_DELETED if action == "delete" else MOST
    if len(ids) > most:
        raise UserError(f"At most {most:,} runs at once.", "Narrow the filter down.")
    # In the order of ids, as everybody locks runs, so that nobody waits for each other. Nothing new may refer to what goes.
    chosen = Run.objects.filter(project=project, pk__in=ids).order_by("pk")
    locked = chosen.select_for_update(of=("self",), no_key=action != "delete")
    runs = list(locked.only("pk", "state", "tags", "archived_at", "created_by_id", "project_id", "folder_key", "finished_at"))
    order = _Order(project, user, runs, tag, Outcome())
    for missing in sorted(set(ids) - {run.pk for run in runs}):
        order.outcome.leave("it is gone, or of another project", missing)
    known.change(order)
    return order.outcome


def deletable(project: Project, user: User, ids: Sequence[int]) -> Outcome:
    """What deleting ``ids`` would do, without doing it."""
    runs = Run.objects.filter(project=project, pk__in=ids).order_by("pk").only("pk", "state", "created_by_id", "finished_at")
    order = _Order(project, user, list(runs), "", Outcome())
    order.outcome.done = [run.pk for run in _not_needed(order)]
    return order.outcome


def _tag(order: _Order) -> None:
    tag = clean_tag(order.tag)
    changed = []
    for run in order.runs:
        if tag in run.tags:
            order.outcome.leave("it has the tag already", run.pk)
            continue
        try:
            run.tags = with_tag(run.tags, tag)
        except UserError as error:
            order.outcome.leave(error.message[0].lower() + error.message[1:].rstrip("."), run.pk)
            continue
        changed.append(run)
    _save_tags(order, changed, f"now {{have}} the tag “{tag}”")


def _untag(order: _Order) -> None:
    tag = clean_tag(order.tag)
    changed = []
    for run in order.runs:
        if tag not in run.tags:
            order.outcome.leave("it does not have the tag", run.pk)
            continue
        run.tags = [other for other in run.tags if other != tag]
        changed.append(run)
    _save_tags(order, changed, f"{{have}} lost the tag “{tag}”")


def _save_tags(order: _Order, changed: list[Run], words: str) -> None:
    Run.objects.bulk_update(changed, ["tags"], batch_size=1000)
    order.outcome.done = [run.pk for run in changed]
    order.outcome.said = _say(len(changed), words.format(have="has" if len(changed) == 1 else "have"))


def _star(order: _Order) -> None:
    changed = set_star(Run.objects.filter(pk__in=[run.pk for run in order.runs]), order.user, starred=True)
    order.outcome.done = [run.pk for run in order.runs]
    order.outcome.said = _say(changed, "newly starred, for you")


def _unstar(order: _Order) -> None:
    changed = set_star(Run.objects.filter(pk__in=[run.pk for run in order.runs]), order.user, starred=False)
    order.outcome.done = [run.pk for run in order.runs]
    order.outcome.said = _say(changed, "no longer starred, for you")


def _archive(order: _Order) -> None:
    changed = []
    for run in order.runs:
        if run.state in ACTIVE_STATES:
            order.outcome.leave("it is still active", run.pk)
        elif run.archived_at is not None:
            order.outcome.leave("it is archived already", run.pk)
        else:
            changed.append(run.pk)
    Run.objects.filter(pk__in=changed).update(archived_at=timezone.now())
    order.outcome.done = changed
    order.outcome.said = _say(len(changed), "archived: lists leave it out, links still work")


def _unarchive(order: _Order) -> None:
    changed = [run.pk for run in order.runs if run.archived_at is not None]
    for run in order.runs:
        if run.archived_at is None:
            order.outcome.leave("it is not archived", run.pk)
    Run.objects.filter(pk__in=changed).update(archived_at=None)
    order.outcome.done = changed
    order.outcome.said = _say(len(changed), "back in the lists")


def _cancel(order: _Order) -> None:
    chosen = []
    for run in order.runs:
        if run.state == RunState.CANCELLING:
            order.outcome.leave("it is about to stop already", run.pk)
        elif run.state not in ACTIVE_STATES:
            order.outcome.leave("it has ended already", run.pk)
        else:
            chosen.append(run.pk)
    stopped, stopping = cancel_runs(Run.objects.filter(pk__in=chosen))
    parts = [f"{count(stopped)} cancelled before the start"] if stopped else []
    parts += [f"{count(stopping)} will stop at the next checkpoint"] if stopping else []
    order.outcome.done = chosen
    order.outcome.said = f"Runs: {', '.join(parts)}." if parts else ""


def _delete(order: _Order) -> None:
    gone = _not_needed(order)
    full = Run.objects.filter(pk__in=[run.pk for run in gone]).order_by("pk")
    keys = []
    for run in full.only("pk", "method", "state", "test", "folder_key"):
        before = {"method": run.method, "state": run.state, MAIN_METRIC: run.test.get(MAIN_METRIC)}
        record(order.user, order.project, "run.deleted", run, before=before)
        keys.append(run.folder_key)
    Run.objects.filter(pk__in=[run.pk for run in gone]).delete()
    order.outcome.done = [run.pk for run in gone]
    order.outcome.said = _say(len(gone), "deleted for good, with checkpoints and models")
    transaction.on_commit(lambda: _free([key for key in keys if key]))


def _not_needed(order: _Order) -> list[Run]:
    """Those that may be deleted; the others are left out with the reason."""
    needed = dict(_needed([run.pk for run in order.runs]))
    role = role_of(order.user, order.project)
    anybodys = role is not None and role.level >= Role.CURATOR.level
    free = []
    for run in order.runs:
        if run.state in ACTIVE_STATES:
            order.outcome.leave("it is still active; cancel it first", run.pk)
        elif run.pk in needed:
            order.outcome.leave(needed[run.pk], run.pk)
        elif not anybodys and run.created_by_id != order.user.pk:
            order.outcome.leave("somebody else launched it, and you are no curator", run.pk)
        elif run.state == RunState.LOST and run.finished_at and timezone.now() - run.finished_at < _MAY_STILL_WRITE:
            order.outcome.leave("it was lost only now, and its worker may still write; try again in two minutes", run.pk)
        else:
            free.append(run)
    return free


def _needed(ids: list[int]) -> Iterator[tuple[int, str]]:
    """What is read together with others: trials, members of groups, and what groups start from."""
    groups = Run.objects.filter(pk__in=ids).exclude(groups=None).values_list("pk", "groups__kind", "groups")
    yield from ((pk, f"{kind}-{group} starts from it") for pk, kind, group in groups)
    members = Run.objects.filter(pk__in=ids).exclude(variant=None)
    for pk, kind, group in members.values_list("pk", "variant__group__kind", "variant__group"):
        yield pk, f"it belongs to {kind}-{group}"
    refits = Run.objects.filter(refits__in=ids).order_by("pk").values_list("refits", "pk")
    yield from ((pk, f"run-{refit} is its refit, and quotes its metrics") for pk, refit in refits if pk is not None)
    yield from held_runs(ids)
    trials = Run.objects.filter(pk__in=ids).exclude(search_trial=None)
    yield from ((pk, f"it belongs to search-{number}") for pk, number in trials.values_list("pk", "search_trial__search__number"))


def _free(keys: list[str]) -> None:
    for key in keys:
        delete_folder(key)


def _say(number: int, words: str) -> str:
    return f"{count(number)} run{'' if number == 1 else 's'} {words}." if number else ""


def _names(ids: list[int]) -> str:
    more = f" and {count(len(ids) - _NAMED)} more" if len(ids) > _NAMED else ""
    return ", ".join(f"run-{pk}" for pk in ids[:_NAMED]) + more


def _actions() -> Iterator[tuple[str, str, Role, Any]]:
    yield "tag", "add the tag", Role.RESEARCHER, _tag
    yield "untag", "remove the tag", Role.RESEARCHER, _untag
    yield "star", "star", Role.VIEWER, _star
    yield "unstar", "remove the star", Role.VIEWER, _unstar
    yield "archive", "archive", Role.RESEARCHER, _archive
    yield "unarchive", "take out of the archive", Role.RESEARCHER, _unarchive
    yield "cancel", "cancel", Role.RESEARCHER, _cancel
    yield "delete", "delete…", Role.RESEARCHER, _delete


ACTIONS = {name: BulkAction(name, label, role, change) for name, label, role, change in _actions()}
"""By name, in the order of the menu."""
