"""Writing notices. Each function is called in the transaction in which the end that it tells is written, so that none is lost
or told twice: who wrote the end, tells it."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from webapp import paths
from webapp.broker import DELIVER_TASK, ask_or_wait
from webapp.datasets.models import HEAVY, HEAVY_OF_VERSION, Version, VersionState
from webapp.experiments.models import ENDED_STATES, Run, RunGroup, RunState
from webapp.notices.models import Channel, Delivery, Notice, Preferences, Subject
from webapp.searches.models import Search, SearchState

_WORDS = {
    RunState.SUCCEEDED: "has succeeded",
    RunState.FAILED: "has failed",
    RunState.CANCELLED: "was cancelled",
    RunState.LOST: "was lost",
}
_SEARCH_WORDS = {
    SearchState.FINISHED: "has finished",
    SearchState.FAILED: "has failed",
    SearchState.CANCELLED: "was cancelled",
}


def runs_ended(runs: Sequence[int]) -> None:
    """These runs (primary keys) have ended. A trial of a search is not told; a run of a group is when all of the group ended."""
    found = Run.objects.filter(pk__in=runs, search_trial=None).select_related("version__dataset", "variant")
    columns = ("method", "state", "error", "hint", "project", "created_by", "variant__group")
    groups = set()
    for run in found.only(*columns, "version__number", "version__dataset__name").order_by("pk"):
        if run.variant is not None:
            groups.add(run.variant.group_id)
        else:
            _tell_run(run)
    # Locked in one order, whoever ends runs; of two that end at once the second sees the first.
    for group in RunGroup.objects.select_for_update(no_key=True).filter(pk__in=groups).order_by("pk"):
        _tell_group(group)


def search_ended(pk: int) -> None:
    """This search (primary key) has ended."""
    search = Search.objects.select_related("version__dataset").defer("plan", "winner", *HEAVY_OF_VERSION).get(pk=pk)
    state = SearchState(search.state)
    detail = f"{search.message} {search.hint}".strip() if state is SearchState.FAILED else ""
    _write(
        search.created_by_id,
        search.project_id,
        Subject.SEARCH,
        pk,
        state.value,
        f"{search} on {search.version} {_SEARCH_WORDS[state]}",
        detail or str(search.answer.get("verdict", "")),
        paths.search(pk),
    )


def version_ended(pk: int) -> None:
    """This version (primary key) is ready or failed."""
    version = Version.objects.select_related("dataset").defer(*HEAVY, "report").get(pk=pk)
    ready = version.state == VersionState.READY
    size = f"{version.users or 0:,} users, {version.items or 0:,} items, {version.interactions or 0:,} interactions"
    _write(
        version.created_by_id,
        version.dataset.project_id,
        Subject.VERSION,
        pk,
        "succeeded" if ready else "failed",
        f"{version} is ready" if ready else f"{version} could not be made",
        size if ready else f"{version.error} {version.hint}".strip(),
        paths.version(version.dataset_id, version.number),
    )


def _tell_run(run: Run) -> None:
    state = RunState(run.state)
    _write(
        run.created_by_id,
        run.project_id,
        Subject.RUN,
        run.pk,
        state.value,
        f"{run} ({run.method} on {run.version}) {_WORDS[state]}",
        f"{run.error} {run.hint}".strip(),
        paths.run(run.pk),
    )


def _tell_group(group: RunGroup) -> None:
    states = Counter(Run.objects.filter(variant__group=group).values_list("state", flat=True))
    if any(state not in ENDED_STATES for state in states):
        return
    parts = [f"{states[state]} {state.label}" for state in ENDED_STATES if states[state]]
    fine = states[RunState.SUCCEEDED] == states.total()
    _write(
        group.created_by_id,
        group.project_id,
        Subject.GROUP,
        group.pk,
        "succeeded" if fine else "failed" if states[RunState.FAILED] or states[RunState.LOST] else "cancelled",
        f"{group} ({group.name}) has ended: {', '.join(parts)}",
        "",
        paths.group(group.pk),
    )


def write_test(user_id: int) -> Notice | None:
    """A notice that only tries the person's channels; None if one was written within the last minute."""
    since = timezone.now() - timedelta(minutes=1)
    if Notice.objects.filter(user=user_id, subject=Subject.TEST, created_at__gt=since).exists():
        return None
    with transaction.atomic():
        title = "This is a test: notices reach you this way"
        return _write(user_id, None, Subject.TEST, None, "test", title, "", paths.profile())


def _write(
    user: int | None, project: int | None, subject: Subject, pk: int | None, outcome: str, title: str, detail: str, path: str
) -> Notice | None:
    """One notice, and its deliveries by the channels that the person has switched on."""
    if user is None:
        return None
    notice = Notice.objects.create(
        user_id=user,
        project_id=project,
        subject=subject,
        object_id=pk,
        outcome=outcome,
        title=title if len(title) <= 300 else f"{title[:299]}…",
        detail=detail,
        path=path,
    )
    for delivery in _deliveries(notice):
        transaction.on_commit(lambda pk=delivery.pk: ask_or_wait(DELIVER_TASK, pk))  # type: ignore[misc]
    return notice


def _deliveries(notice: Notice) -> list[Delivery]:
    wanted = Preferences.objects.filter(user=notice.user_id).annotate(address=F("user__email")).first()
    if wanted is None:
        return []
    channels = [Channel.EMAIL] if wanted.email_on and wanted.address else []
    channels += [Channel.WEBHOOK] if wanted.webhook_url else []
    now = timezone.now()
    return Delivery.objects.bulk_create(Delivery(notice=notice, channel=channel, next_try_at=now) for channel in channels)
