"""Curation by the client, against a real site; the worker that lists the items is played."""

import pytest
from darec_lab import ApiError, Client, EndedBadlyError, Version, WaitedTooLongError
from darec_lab.transport import Transport

from tests.deploy.client.conftest import ClientOf
from tests.deploy.client.stand_in import standing_in
from tests.webapp.curation.rows import copy_items
from tests.webapp.people import People, make_version
from webapp.accounts.models import Scope
from webapp.datasets.models import Version as VersionRow


@pytest.fixture
def row(people: People) -> VersionRow:
    row = make_version(people)
    copy_items(row)
    return row


@pytest.fixture
def curator(people: People, client_of: ClientOf) -> Client:
    return client_of(people.alice, Scope.CURATE)


def test_a_draft_is_collected_and_made(curator: Client, row: VersionRow) -> None:
    curation = curator.versions.get(row.pk).curation
    assert curation.begin()["state"] == "ready"
    (group,) = curation.duplicates()
    stays, *same = [item["id"] for item in group["items"]]
    curation.merge(same, stays)
    curation.change(stays, title="The Matrix (1999)", categories=["Film"])
    curation.exclude(["d"], ["u9", "u8"])
    (found,) = curation.items(id=stays)
    assert (found["title"], found["marks"]) == ("The Matrix (1999)", ["title, categories changed"])
    assert {item["id"] for item in curation.items("matrix")} == {stays, *same}
    edits = {edit["target"]: edit for edit in curation.edits()}
    assert curation.take_out(edits["u8"]["id"])["summary"]["excluded users"] == 1
    assert curation.read_list("user_id,exclude\nu7,yes\n")["taken"] is False
    assert curation.read_list("user_id,exclude\nu7,yes\n", take=True)["taken"] is True
    made = VersionRow.objects.get(pk=curation.make(core=2)["id"])
    assert (made.parent, made.edits["exclude_users"]) == (row, ["u7", "u9"])


def test_what_is_wrong_is_said(curator: Client, alice: Client, row: VersionRow) -> None:
    with pytest.raises(ApiError, match="no item 'zz'"):
        curator.versions.get(row.pk).curation.merge(["a"], "zz")
    with pytest.raises(ApiError, match="scope curate"):
        alice.versions.get(row.pk).curation.exclude(["a"])


def test_reviews_and_cards(curator: Client, row: VersionRow) -> None:
    version = curator.versions.get(row.pk).review("submitted", "please look")
    assert [(one.id, one["by"]) for one in curator.datasets.reviews()] == [(row.pk, "alice")]
    assert version.review("approved")["review"] == "approved"
    assert list(curator.datasets.reviews()) == []
    assert curator.datasets.edit_card(row.dataset_id, licence="CC0")["licence"] == "CC0"


def test_the_list_of_items_is_waited_for() -> None:
    def standing(state: str) -> tuple[int, dict[str, str], dict[str, object]]:
        return 200, {}, {"state": state, "error": "The disk is full.", "hint": "", "edits": 0, "made": ""}

    waits: list[float] = []
    answers = [standing("asked"), standing("asked"), standing("ready"), standing("failed"), standing("asked")]
    with standing_in(*answers) as site, Transport(site.url, "darec_x_y", sleep=waits.append) as transport:
        curation = Version(transport, {"id": 7, "state": "ready"}).curation
        assert curation.begin()["state"] == "ready"
        assert waits == [0.25, 0.5]
        with pytest.raises(EndedBadlyError, match="The disk is full"):
            curation.begin()
        with pytest.raises(WaitedTooLongError):
            curation.begin(timeout=-1)
    assert [(request[0], request[1]) for request in site.requests[:2]] == [
        ("POST", "/api/v1/versions/7/curation"),
        ("GET", "/api/v1/versions/7/curation"),
    ]
