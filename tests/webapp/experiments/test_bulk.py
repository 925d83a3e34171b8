from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from tests.webapp.people import HOSTILE, People, finish, make_group, make_run, make_version
from tests.webapp.searches.planting import add_trial, make_search, uniform
from webapp.audit.models import AuditEntry
from webapp.datasets.models import Version
from webapp.experiments.models import MOST_TAGS, Run, RunEvent, RunStar, RunState


def do(client: Client, action: str, runs: list[Run], here: str = "", **values: str) -> str:
    """Send the form of the list; returns the page that follows."""
    send = {"action": action, "run": [run.pk for run in runs], "here": here, **values}
    return client.post("/runs/change", send, follow=True).content.decode()


def test_tags_come_and_go(alice: Client, version: Version) -> None:
    first, second = make_run(version, tags=["a"]), make_run(version, tags=[f"t{number}" for number in range(MOST_TAGS)])
    third = make_run(version)
    body = do(alice, "tag", [first, second, third], tag="  my   tag ")
    assert "2 runs now have the tag “my tag”." in body
    assert f"run-{second.pk} was left out: a run has at most 20 tags." in body
    assert Run.objects.get(pk=first.pk).tags == ["a", "my tag"]
    assert "was left out: it has the tag already." in do(alice, "tag", [first], tag="my tag")
    assert "1 run has lost the tag “my tag”." in do(alice, "untag", [first], tag="my tag")
    assert Run.objects.get(pk=first.pk).tags == ["a"]
    assert "A tag needs a name." in do(alice, "tag", [first], tag=" ")
    assert "has no comma" in do(alice, "tag", [first], tag="a,b")
    assert "has no comma" in do(alice, "tag", [first], tag="a\x00b")


def test_hostile_tags_are_text(alice: Client, version: Version) -> None:
    run = make_run(version)
    tag = "<script>alert('t')</script>"
    body = do(alice, "tag", [run], tag=tag)
    assert "<script>alert" not in body
    assert Run.objects.get(pk=run.pk).tags == [tag]
    for address in ("/runs", f"/runs/{run.pk}", "/runs?q=script"):
        page = alice.get(address).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_stars_archive_and_back(alice: Client, bob: Client, people: People, version: Version) -> None:
    ended, active = finish(make_run(version)), make_run(version)
    assert "2 runs newly starred, for you." in do(bob, "star", [ended, active])
    assert RunStar.objects.filter(user=people.bob).count() == 2
    assert "1 run no longer starred, for you." in do(bob, "unstar", [ended])
    body = do(alice, "archive", [ended, active])
    assert "1 run archived" in body
    assert f"run-{active.pk} was left out: it is still active." in body
    assert f">run-{ended.pk}<" not in alice.get("/runs").content.decode()
    archive = "where=archived+%3D+yes"
    assert f">run-{ended.pk}<" in alice.get(f"/runs?{archive}").content.decode()
    assert "1 run back in the lists." in do(alice, "unarchive", [ended], archive)
    assert f">run-{ended.pk}<" in alice.get("/runs").content.decode()


def test_cancel_says_what_became_of_each(alice: Client, version: Version) -> None:
    queued, running, ended = make_run(version), make_run(version, "running"), finish(make_run(version))
    body = do(alice, "cancel", [queued, running, ended])
    assert "1 cancelled before the start, 1 will stop at the next checkpoint" in body
    assert f"run-{ended.pk} was left out: it has ended already." in body
    assert Run.objects.get(pk=running.pk).state == RunState.CANCELLING
    assert "it is about to stop already" in do(alice, "cancel", [running])


def test_compare_takes_some(alice: Client, version: Version) -> None:
    runs = [finish(make_run(version)) for _ in range(3)]
    response = alice.post("/runs/change", {"action": "compare", "run": [run.pk for run in runs]})
    assert response["Location"] == f"/compare?runs={','.join(str(run.pk) for run in runs)}"
    assert "Comparing takes 2 to 100 runs; 1 are chosen." in do(alice, "compare", runs[:1])
    assert "0 are chosen" in do(alice, "compare", [])


def test_all_that_match_means_the_filter(alice: Client, version: Version) -> None:
    mine = [make_run(version, "failed") for _ in range(60)]
    other = make_run(version, "succeeded")
    assert "60 runs now have the tag" in do(alice, "tag", [], here="state=failed", all="1", tag="bad")
    assert Run.objects.filter(tags__contains=["bad"]).count() == len(mine)
    assert Run.objects.get(pk=other.pk).tags == []
    assert "not sure which runs you mean" in do(alice, "tag", [], here="where=nonsense+%3D+3", all="1", tag="worse")
    assert not Run.objects.filter(tags__contains=["worse"]).exists()


def test_deleting_asks_then_frees_the_disk(
    alice: Client, version: Version, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    run = finish(make_run(version, folder_key="runs/gone"))
    default_storage.save("runs/gone/model.safetensors", ContentFile(b"x"))
    RunEvent.objects.create(run=run, attempt=1, sequence=0, type="log", payload={"message": "x"}, created_at=timezone.now())
    asked = do(alice, "delete", [run])
    assert "Delete 1 run?" in asked
    assert Run.objects.filter(pk=run.pk).exists()
    with django_capture_on_commit_callbacks(execute=True):
        body = do(alice, "delete", [run], sure="1")
    assert "1 run deleted for good" in body
    assert not Run.objects.filter(pk=run.pk).exists()
    assert not Path(default_storage.path("runs/gone")).exists()
    entry = AuditEntry.objects.get(action="run.deleted")
    assert (entry.object_id, entry.username, entry.before["ndcg@10"]) == (run.pk, "alice", 0.0571)
    assert "it is gone, or of another project" in do(alice, "delete", [run], sure="1")


def test_what_others_need_stays(alice: Client, version: Version) -> None:
    group, search = make_group(version), make_search(version)
    member = Run.objects.filter(variant__group=group).first()
    assert member is not None
    Run.objects.filter(pk=member.pk).update(state="failed")
    trial = add_trial(search, uniform(4, 8), 0.1).run
    Run.objects.filter(pk=trial.pk).update(state="succeeded")
    lost = make_run(version, "lost", finished_at=timezone.now())
    old = make_run(version, "lost", finished_at=timezone.now() - timedelta(hours=1))
    active, source = make_run(version, "running"), group.source
    assert source is not None
    body = do(alice, "delete", [member, trial, lost, old, active, source], sure="1")
    for reason in (
        f"run-{member.pk} was left out: it belongs to ablation-{group.pk}.",
        f"run-{trial.pk} was left out: it belongs to search-1.",
        f"run-{lost.pk} was left out: it was lost only now",
        f"run-{active.pk} was left out: it is still active; cancel it first.",
        f"run-{source.pk} was left out: ablation-{group.pk} starts from it.",
    ):
        assert reason in body
    assert not Run.objects.filter(pk=old.pk).exists()
    assert Run.objects.filter(pk__in=[member.pk, trial.pk, lost.pk, active.pk, source.pk]).count() == 5


@pytest.mark.parametrize("action", ["tag", "untag", "archive", "unarchive", "cancel", "delete"])
def test_a_viewer_may_only_star_and_compare(bob: Client, version: Version, action: str) -> None:
    run = make_run(version)
    response = bob.post("/runs/change", {"action": action, "run": run.pk, "tag": "x", "sure": "1"})
    assert response.status_code == 403
    assert Run.objects.get(pk=run.pk).state == "queued"
    assert f'<option value="{action}">' not in bob.get("/runs").content.decode().partition('id="bulk"')[2]


def test_a_researcher_deletes_their_own_only(people: People, version: Version) -> None:
    client = people.client("bob", "researcher")
    mine, theirs = make_run(version, "failed", created_by=people.bob), make_run(version, "failed")
    body = do(client, "delete", [mine, theirs], sure="1")
    assert f"run-{theirs.pk} was left out: somebody else launched it, and you are no curator." in body
    assert set(Run.objects.values_list("pk", flat=True)) == {theirs.pk}


def test_strangers_change_nothing(charlie: Client, people: People) -> None:
    run = finish(make_run(make_version(people)))
    for action in ("tag", "star", "archive", "delete"):
        assert "it is gone, or of another project" in do(charlie, action, [run], tag="mine", sure="1")
    run.refresh_from_db()
    assert (run.tags, run.archived_at, RunStar.objects.count()) == ([], None, 0)


def test_nonsense_is_answered_in_words(alice: Client, version: Version) -> None:
    run = make_run(version)
    assert "There is no action" in do(alice, HOSTILE, [run])
    assert "No run is chosen." in do(alice, "star", [])
    response = alice.post("/runs/change", {"action": "star", "run": ["x", "-1", "9" * 30, "1e3"]}, follow=True)
    assert "No run is chosen." in response.content.decode()
    assert alice.get("/runs/change").status_code == 405
