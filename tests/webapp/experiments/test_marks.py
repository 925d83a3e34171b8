"""Stars, tags, the archive and notes on the page of a run."""

import pytest
from django.test import Client

from tests.webapp.people import HOSTILE, People, finish, make_run
from webapp.datasets.models import Version
from webapp.experiments.marks import notes_stamp
from webapp.experiments.models import LONGEST_NOTES, Run, RunStar


def test_star_and_back(bob: Client, people: People, version: Version) -> None:
    run = make_run(version)
    for action, stars in (("star", 1), ("star", 1), ("unstar", 0), ("unstar", 0)):
        response = bob.post(f"/runs/{run.pk}/marks", {"action": action})
        assert response["Location"] == f"/runs/{run.pk}"
        assert RunStar.objects.filter(run=run, user=people.bob).count() == stars


def test_tags_with_suggestions(alice: Client, version: Version) -> None:
    make_run(version, tags=["baseline"])
    run = make_run(version)
    assert 'data-from="/runs/tags"' in alice.get(f"/runs/{run.pk}").content.decode()
    assert alice.get("/runs/tags").content.decode() == '<option value="baseline">'
    alice.post(f"/runs/{run.pk}/marks", {"action": "tag", "tag": "a & b"})
    body = alice.get(f"/runs/{run.pk}").content.decode()
    assert 'href="/runs?where=tag%20%3D%20a%20%26%20b"' in body
    assert f">run-{run.pk}<" in alice.get("/runs?where=tag%20%3D%20a%20%26%20b").content.decode()
    alice.post(f"/runs/{run.pk}/marks", {"action": "untag", "tag": "a & b"})
    assert Run.objects.get(pk=run.pk).tags == []
    for tag in ("", "x" * 41, "a,b", "\x07"):
        body = alice.post(f"/runs/{run.pk}/marks", {"action": "tag", "tag": tag}, follow=True).content.decode()
        assert "message warning" in body
    assert Run.objects.get(pk=run.pk).tags == []


def test_archive_and_back(alice: Client, version: Version) -> None:
    run = make_run(version)
    assert "still active" in alice.post(f"/runs/{run.pk}/marks", {"action": "archive"}, follow=True).content.decode()
    finish(run)
    alice.post(f"/runs/{run.pk}/marks", {"action": "archive"})
    assert "Take out of the archive" in alice.get(f"/runs/{run.pk}").content.decode()
    alice.post(f"/runs/{run.pk}/marks", {"action": "unarchive"})
    assert Run.objects.get(pk=run.pk).archived_at is None


def test_notes_are_previewed_saved_and_shown(alice: Client, version: Version) -> None:
    run = make_run(version)
    address = f"/runs/{run.pk}/notes"
    seen = notes_stamp("")
    previewed = alice.post(address, {"notes": "# A\r\n\n**b**", "seen": seen, "preview": "1"}).content.decode()
    assert "<h3>A</h3>" in previewed
    part = alice.post(address, {"notes": "*c*", "preview": "1"}, headers={"HX-Request": "true"})
    assert part.content.decode().strip() == "<p><em>c</em></p>"
    assert Run.objects.get(pk=run.pk).notes == ""
    alice.post(address, {"notes": f"# A\n{HOSTILE}", "seen": seen, "save": "1"})
    for page in (f"/runs/{run.pk}", address):
        body = alice.get(page).content.decode()
        assert "<h3>A</h3>" in body
        assert "<script>alert" not in body


def test_nobody_overwrites_anothers_notes_unseen(alice: Client, people: People, version: Version) -> None:
    run, seen = make_run(version), notes_stamp("")
    client, address = people.client("bob", "researcher"), f"/runs/{run.pk}/notes"
    client.post(address, {"notes": "theirs", "seen": seen})
    response = alice.post(address, {"notes": "mine", "seen": seen})
    body = response.content.decode()
    assert response.status_code == 422
    assert "Somebody has changed these notes" in body
    assert "theirs" in body
    assert ">mine</textarea>" in body
    assert Run.objects.get(pk=run.pk).notes == "theirs"
    assert alice.post(address, {"notes": "mine", "seen": notes_stamp("theirs")}).status_code == 302
    assert Run.objects.get(pk=run.pk).notes == "mine"


def test_notes_that_are_too_long_stay_in_the_form(alice: Client, version: Version) -> None:
    run = make_run(version)
    response = alice.post(f"/runs/{run.pk}/notes", {"notes": "x" * (LONGEST_NOTES + 1), "seen": notes_stamp("")})
    assert response.status_code == 422
    assert "at most 20,000 fit" in response.content.decode()
    assert "x" * LONGEST_NOTES in response.content.decode()


@pytest.mark.parametrize("action", ["tag", "untag", "archive", "unarchive"])
def test_viewers_only_look(bob: Client, version: Version, action: str) -> None:
    run = finish(make_run(version, tags=["a"]))
    assert bob.post(f"/runs/{run.pk}/marks", {"action": action, "tag": "a"}).status_code == 403
    assert bob.get(f"/runs/{run.pk}/notes").status_code == 403
    assert bob.post(f"/runs/{run.pk}/notes", {"notes": "x"}).status_code == 403
    body = bob.get(f"/runs/{run.pk}").content.decode()
    assert "add-tag" not in body
    assert 'id="star"' in body


def test_strangers_see_nothing(charlie: Client, version: Version) -> None:
    run = make_run(version)
    assert charlie.post(f"/runs/{run.pk}/marks", {"action": "star"}).status_code == 404
    assert charlie.get(f"/runs/{run.pk}/notes").status_code == 404
    make_run(version, tags=["secret"])
    assert "secret" not in charlie.get("/runs/tags").content.decode()
    assert RunStar.objects.count() == 0
