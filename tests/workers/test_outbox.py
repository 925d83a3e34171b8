"""A broker that forgot everything is told again: every kind of row that waits, and none before its time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.utils import timezone
from redis import Redis

from tests.workers.fixtures import FAST, Run, RunState, Version, VersionState
from tests.workers.searches.searching import make_search
from webapp.broker import ADVANCE_TASK, ECHO_TASK, MIRROR_TASK, QUEUES
from webapp.comparing.models import RunComparison
from webapp.datasets.models import Derived, DerivedKind, Question
from webapp.delivering.models import UserLists
from webapp.experiments.models import GroupKind, GroupVariant, RunGroup
from webapp.notices.models import Delivery, Notice
from webapp.serving.models import Ask, AskKind
from workers.outbox import UNCLAIMED, WAITING
from workers.reaping import Reaper
from workers.searches.advancing import look as look_for_searches

WAIT = 100
"""Seconds after which a message counts as lost here."""
SLACK = 10
MakeRun = Callable[..., Run]


@dataclass
class Row:
    """A row that waits, the column from which that counts, and the factor of the wait."""

    row: Model
    column: str
    factor: int = 1

    def wait(self, seconds: float) -> None:
        """Let it have waited for so long."""
        type(self.row)._default_manager.filter(pk=self.row.pk).update(
            **{self.column: timezone.now() - timedelta(seconds=seconds)}
        )


def finished(make_run: MakeRun, variant: GroupVariant) -> Run:
    run = make_run()
    ended = {"state": RunState.SUCCEEDED, "protocol": {"seen": "keep"}, "users_evaluated": 5, "finished_at": timezone.now()}
    Run.objects.filter(pk=run.pk).update(variant=variant, **ended)
    return run


def uncompared(make_run: MakeRun, version: Version) -> Row:
    group = RunGroup.objects.create(kind=GroupKind.ABLATION, name="Parts", project=version.dataset.project, version=version)
    for position, label in enumerate(("base", "other")):
        run = finished(make_run, GroupVariant.objects.create(group=group, position=position, label=label, sentence=label))
        Run.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(hours=1))
    return Row(run, "finished_at", UNCLAIMED)


def delivery(make_run: MakeRun, version: Version) -> Row:
    notice = Notice.objects.create(user=User.objects.create_user("ann"), subject="run", outcome="succeeded", title="It ended")
    return Row(Delivery.objects.create(notice=notice, channel="email"), "next_try_at")


def comparison(make_run: MakeRun, version: Version) -> Row:
    asked = RunComparison.objects.create(key="k", metric="ndcg@10", runs=[1, 2], asked_at=timezone.now())
    return Row(asked, "asked_at", UNCLAIMED)


def derived(make_run: MakeRun, version: Version) -> Row:
    return Row(Derived.objects.create(version=version, kind=DerivedKind.CSV, asked_at=timezone.now()), "asked_at")


def over(make_run: MakeRun) -> Run:
    run = make_run()
    Run.objects.filter(pk=run.pk).update(state=RunState.SUCCEEDED)
    return run


MAKERS: dict[str, Callable[[MakeRun, Version], Row]] = {
    "runs.execute": lambda make_run, version: Row(make_run(), "queued_at"),
    "datasets.ingest": lambda make_run, version: Row(Version.objects.create(dataset=version.dataset, number=2), "created_at"),
    "datasets.answer": lambda make_run, version: Row(Question.objects.create(version=version, kind="profile"), "asked_at"),
    "datasets.derive": derived,
    "delivering.recommend": lambda make_run, version: Row(
        UserLists.objects.create(run=over(make_run), form="csv", k=5), "asked_at"
    ),
    "notices.deliver": delivery,
    "serving.answer": lambda make_run, version: Row(
        Ask.objects.create(run=over(make_run), kind=AskKind.USER, question={}), "asked_at"
    ),
    "runs.compare": comparison,
    "groups.compare": uncompared,
}


def messages(broker: "Redis[bytes]") -> int:
    return sum(int(broker.llen(queue)) for queue in set(QUEUES.values()))


@pytest.mark.parametrize("task", MAKERS)
def test_what_waits_is_asked_for_again_in_time_and_not_before(
    task: str, make_run: MakeRun, version: Version, broker: "Redis[bytes]"
) -> None:
    row = MAKERS[task](make_run, version)
    reaper = Reaper(replace(FAST, resend_after=WAIT))
    row.wait(WAIT * row.factor - SLACK)
    reaper.look()
    assert messages(broker) == 0
    row.wait(WAIT * row.factor + 1)
    reaper.look()
    assert messages(broker) == 1
    assert broker.llen(QUEUES[task]) == 1
    reaper.look()
    assert messages(broker) == 1, "a queue that holds a message is not flooded"
    # The broker forgets everything once more; what nobody claims was asked for just now.
    broker.flushdb()
    reaper.look()
    assert messages(broker) == (0 if row.factor > 1 else 1)


def test_no_task_is_forgotten() -> None:
    assert {kind.task for kind in WAITING} == set(MAKERS)
    # These are looked for by beat, and the last one expires: nobody waits for it longer than seconds.
    assert set(QUEUES) - set(MAKERS) == {ADVANCE_TASK, MIRROR_TASK, ECHO_TASK}


def test_all_kinds_of_a_queue_are_asked_for_in_one_look(make_run: MakeRun, version: Version, broker: "Redis[bytes]") -> None:
    rows = [make(make_run, version) for task, make in MAKERS.items() if task not in ("groups.compare", "datasets.ingest")]
    for row in rows:
        row.wait(WAIT * row.factor + 1)
    Reaper(replace(FAST, resend_after=WAIT)).look()
    assert messages(broker) == len(rows)


def test_a_group_that_is_compared_is_not_asked_for(make_run: MakeRun, version: Version, broker: "Redis[bytes]") -> None:
    row: Any = uncompared(make_run, version)
    runs = list(Run.objects.filter(variant__isnull=False).order_by("pk"))
    GroupVariant.objects.filter(label="other").update(comparison={"runs": [runs[1].pk], "base": [runs[0].pk], "values": {}})
    row.wait(WAIT * row.factor + 1)
    Reaper(replace(FAST, resend_after=WAIT)).look()
    assert messages(broker) == 0


def test_a_search_is_asked_for_again_by_beat(version: Version, broker: "Redis[bytes]") -> None:
    search = make_search(version)
    broker.flushdb()
    assert look_for_searches() == [search.pk]
    assert broker.llen("io") == 1


def test_what_is_gone_or_ended_is_not_asked_for(make_run: MakeRun, version: Version, broker: "Redis[bytes]") -> None:
    over(make_run)
    Version.objects.create(dataset=version.dataset, number=2, state=VersionState.FAILED)
    Question.objects.create(version=version, kind="profile", state="answered")
    Reaper(FAST).look()
    assert messages(broker) == 0
