"""Lists for everybody, with runs that were really trained: made, lost, given up, swept."""

import json
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone
from redis import Redis

from engine.data.version import read_version
from engine.recommend import Recommender
from tests.workers.fixtures import FAST, Run, child_of_this_process, storage_root
from tests.workers.serving.conftest import Trained, asker, trained  # noqa: F401 - fixtures
from tests.workers.waiting import wait_until
from webapp.accounts.models import Membership, Role
from webapp.datasets.models import VersionState
from webapp.delivering.lists import KEPT_DAYS, ask_for_lists, cancel_lists
from webapp.delivering.models import ListsState, UserLists
from webapp.experiments.models import MAX_ATTEMPTS
from webapp.storage import publish_folder
from workers.crew import Order
from workers.lists import making, states, supervising
from workers.lists.making import make_lists
from workers.lists.supervising import supervise_lists
from workers.reaping import Reaper
from workers.supervisor import SCRATCH
from workers.sweep import sweep


def queued(run: Run, form: str = "parquet", **values: object) -> UserLists:
    return UserLists.objects.create(run=run, form=form, k=4, **values)


def read(lists: UserLists) -> pl.DataFrame:
    return pl.read_parquet(storage_root() / lists.storage_key)


@pytest.mark.parametrize("preset", ["popularity", "sasrec"])
def test_a_child_makes_the_file_that_everybody_would_get_alone(preset: str, trained: Trained) -> None:  # noqa: F811
    lists = queued(trained(preset))
    supervise_lists(lists.pk, FAST)
    lists.refresh_from_db()
    assert (lists.state, lists.error, lists.attempt) == (ListsState.READY, "", 1)
    recommender = Recommender.open(
        storage_root() / lists.run.folder_key, read_version(storage_root() / lists.run.version.storage_key), "cpu"
    )
    frame = read(lists)
    users = recommender.version.users
    assert (lists.users, lists.rows) == (len(users), frame.height)
    assert lists.progress == {"done": len(users), "total": len(users)}
    assert default_storage.size(lists.storage_key) == lists.size
    alone = recommender.recommend(recommender.history_of(users[7]), 4, users[7])["recommended"]
    found = frame.filter(pl.col("user") == users[7])["score"].to_list()
    assert found == pytest.approx([line["score"] for line in alone], rel=1e-4)
    supervise_lists(lists.pk, FAST)
    lists.refresh_from_db()
    assert lists.attempt == 1, "a message that comes twice does nothing"


def test_the_test_in_trec_format_is_an_archive_for_other_tools(trained: Trained) -> None:  # noqa: F811
    lists = queued(trained(), "trec")
    supervise_lists(lists.pk, FAST)
    lists.refresh_from_db()
    assert (lists.state, lists.error) == (ListsState.READY, "")
    assert lists.file_name == f"run-{lists.run_id}-top-4.trec.zip"
    with ZipFile(storage_root() / lists.storage_key) as archive:
        assert archive.namelist() == ["qrels.trec", "run.trec", "tied.txt"]
        qrels, run = (archive.read(name).decode().splitlines() for name in archive.namelist()[:2])
    assert (len(qrels), len(run)) == (lists.users, lists.rows)
    result = json.loads((storage_root() / lists.run.folder_key / "result.json").read_text(encoding="utf-8"))
    assert len(qrels) == result["users_evaluated"]
    assert lists.applied == result["protocol"]["seen"]


@pytest.mark.services
def test_the_whole_way_by_a_message_and_a_worker(
    trained: Trained,  # noqa: F811
    asker: User,  # noqa: F811
    start_worker: Callable[..., "subprocess.Popen[bytes]"],
) -> None:
    run = trained()
    Membership.objects.create(user=asker, project=run.project, role=Role.RESEARCHER)
    start_worker("io", "workers.app")
    lists = ask_for_lists(run, asker, "csv", "3", "keep")
    wait_until(lambda: UserLists.objects.get().state == ListsState.READY, 60)
    lists.refresh_from_db()
    assert (storage_root() / lists.storage_key).read_text(encoding="utf-8").startswith("user,item,rank,score,title\n")
    assert lists.applied == "keep"


def test_what_cannot_be_made_says_why(trained: Trained, tmp_path: Path) -> None:  # noqa: F811
    lists = queued(trained())
    run, version = lists.run, lists.run.version
    version.state = VersionState.DELETED
    version.save()
    attempt = states.claim(lists.pk)
    assert attempt is not None
    make_lists(lists.pk, attempt, tmp_path, "exports/a")
    lists.refresh_from_db()
    assert (lists.state, str(run) in lists.error) == (ListsState.FAILED, True)


def test_a_row_that_is_gone_ends_the_child(trained: Trained) -> None:  # noqa: F811
    lists = queued(trained())
    attempt = states.claim(lists.pk)
    assert attempt is not None
    UserLists.objects.all().delete()
    assert not states.beat(lists.pk, attempt)
    supervise_lists(lists.pk, FAST)
    assert child_of_this_process() is None


def test_cancelled_before_a_worker_comes_nothing_is_made(trained: Trained, asker: User) -> None:  # noqa: F811
    lists = queued(trained())
    Membership.objects.create(user=asker, project=lists.run.project, role=Role.RESEARCHER)
    cancel_lists(lists, asker)
    supervise_lists(lists.pk, FAST)
    Reaper(FAST).look()
    lists.refresh_from_db()
    assert (lists.state, lists.attempt, lists.storage_key) == (ListsState.CANCELLED, 0, "")


def test_cancelled_while_it_is_made_the_child_ends_and_no_half_file_stays(
    trained: Trained,  # noqa: F811
    asker: User,  # noqa: F811
) -> None:
    lists = queued(trained())
    Membership.objects.create(user=asker, project=lists.run.project, role=Role.RESEARCHER)
    (storage_root() / SCRATCH).mkdir(exist_ok=True)
    before = set(storage_root().rglob("*"))
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(_supervised, lists.pk)
        # The child has begun: torch is being loaded, or users are being scored.
        wait_until(lambda: child_of_this_process() is not None, 60)
        cancel_lists(lists, asker)
        work.result(60)
    lists.refresh_from_db()
    assert (lists.state, lists.storage_key, lists.error) == (ListsState.CANCELLED, "", "")
    assert child_of_this_process() is None
    assert set(storage_root().rglob("*")) == before


def test_cancelled_when_the_file_is_just_published_it_is_taken_away(
    trained: Trained,  # noqa: F811
    asker: User,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last moment at which it can be cancelled: the whole file is there, its row does not say so yet."""
    lists = queued(trained())
    Membership.objects.create(user=asker, project=lists.run.project, role=Role.RESEARCHER)
    publish = publish_folder

    def published(folder: Path, key: str) -> None:
        publish(folder, key)
        cancel_lists(lists, asker)

    monkeypatch.setattr(making, "publish_folder", published)

    def here(order: Order, *_: object) -> int:
        """In this process, where the moment can be found."""
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        make_lists(order.row, order.attempt, scratch, order.key)
        assert default_storage.exists(f"{order.key}/{lists.file_name}")
        keys.append(order.key)
        return 0

    keys: list[str] = []
    monkeypatch.setattr(supervising, "work", here)
    supervise_lists(lists.pk, FAST)
    lists.refresh_from_db()
    assert (lists.state, lists.storage_key) == (ListsState.CANCELLED, "")
    assert not default_storage.exists(f"{keys[0]}/{lists.file_name}")


def _supervised(pk: int) -> None:
    try:
        supervise_lists(pk, FAST)
    finally:
        connection.close()


def test_a_child_that_takes_too_long_is_given_up(trained: Trained) -> None:  # noqa: F811
    lists = queued(trained())
    supervise_lists(lists.pk, replace(FAST, ingest_wall=0))
    lists.refresh_from_db()
    assert lists.state == ListsState.FAILED
    assert not lists.storage_key


def test_silent_attempts_are_lost_and_made_again_three_times(trained: Trained, broker: "Redis[bytes]") -> None:  # noqa: F811
    lists = queued(trained())
    for number in range(1, MAX_ATTEMPTS + 1):
        assert states.claim(lists.pk) == number
        assert states.claim(lists.pk) is None
        UserLists.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=FAST.silence + 1))
        Reaper(FAST).look()
        lists.refresh_from_db()
        last = number == MAX_ATTEMPTS
        assert lists.state == (ListsState.FAILED if last else ListsState.QUEUED)
        if not last:
            Reaper(FAST).look()
            assert broker.llen("io") == 1
            broker.delete("io")
        assert not states.finish(lists.pk, number), "a lost attempt writes nothing"


def test_files_are_swept_after_some_days(trained: Trained) -> None:  # noqa: F811
    run = trained()
    old, fresh = queued(run), queued(run, "jsonl")
    for lists in (old, fresh):
        supervise_lists(lists.pk, FAST)
        lists.refresh_from_db()
    UserLists.objects.filter(pk=old.pk).update(asked_at=timezone.now() - timedelta(days=KEPT_DAYS, hours=1))
    waits = queued(run, asked_at=timezone.now())
    UserLists.objects.filter(pk=waits.pk).update(asked_at=timezone.now() - timedelta(days=KEPT_DAYS, hours=1))
    assert old.storage_key.rpartition("/")[0] in sweep()
    assert not default_storage.exists(old.storage_key)
    assert default_storage.exists(fresh.storage_key)
    assert set(UserLists.objects.values_list("pk", flat=True)) == {fresh.pk, waits.pk}
