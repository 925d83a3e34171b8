import pytest
from django.test import Client

from tests.webapp.curation.rows import address, copy_items, item_pk
from tests.webapp.people import People, make_version
from webapp.curation import items, views
from webapp.curation.drafts import edits_of, open_draft
from webapp.curation.items import find_items
from webapp.curation.models import CatalogueItem
from webapp.datasets.models import Question, Version


def found(version: Version, query: str) -> list[str]:
    return [item.item_id for item in find_items(version, query)]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["a", "b", "c", "d", "e/1%"]),
        ("MATRIX", ["a", "b", "c"]),
        ("matrix film", ["a", "b"]),
        ("bath", ["e/1%"]),
        ("1%", ["e/1%"]),
        ("_", []),
        ("nothing", []),
    ],
)
def test_search_looks_through_title_id_and_categories(curated: Version, query: str, ids: list[str]) -> None:
    assert found(curated, query) == ids


def test_a_search_lists_so_many_and_asks_for_another_word(
    alice: Client, curated: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (items, views):
        monkeypatch.setattr(module, "MOST_FOUND", 2)
    body = alice.get(address(curated) + "?q=matrix").content.decode()
    assert "of 2; most" in body
    assert "add a word" in body
    assert "add a word" not in alice.get(address(curated) + "?q=soap").content.decode()


def test_a_search_stays_in_its_version(curated: Version, people: People) -> None:
    other = make_version(people, "Films")
    copy_items(other)
    CatalogueItem.objects.filter(version=other, item_id="b").delete()
    assert found(other, "matrix") == ["a", "c"]


def test_before_the_first_edit_a_worker_lists_the_items(alice: Client, version: Version) -> None:
    start = address(version, "/start")
    assert alice.get(address(version))["Location"] == start
    assert "Begin" in alice.get(start).content.decode()
    assert not Question.objects.exists()
    alice.post(start)
    question = Question.objects.get()
    assert (question.kind, question.state) == ("items", "asked")
    body = alice.get(start).content.decode()
    assert 'hx-trigger="every 1s"' in body
    poll = {"HX-Request": "true"}
    assert alice.get(start, headers=poll).status_code == 200
    Question.objects.update(state="failed", error="No disk.")
    assert "No disk." in alice.get(start).content.decode()
    copy_items(version)
    Question.objects.update(state="answered")
    response = alice.get(start, headers=poll)
    assert response.status_code == 286
    assert "Go on" in response.content.decode()
    assert alice.get(start)["Location"] == address(version)


def test_the_list_shows_items_as_they_will_be_and_escapes_them(alice: Client, curated: Version) -> None:
    alice.post(address(curated, f"/items/{item_pk(curated, 'a')}"), {"action": "save", "title": "Matrix 1", "categories": "Film"})
    body = alice.get(address(curated)).content.decode()
    for text in ("Matrix 1", "title, categories changed", "e/1%", "Draft (1)", "of 5; most"):
        assert text in body, text
    assert "<script>alert" not in body
    assert "{{ 7*7 }}" in body
    assert "No item has" in alice.get(address(curated) + "?q=%00zzz").content.decode()


def test_saving_keeps_what_differs_and_nothing_else(alice: Client, curated: Version) -> None:
    page = address(curated, f"/items/{item_pk(curated, 'a')}")
    texts = {"title": "The Matrix", "categories": "Film | Action", "description": ""}
    alice.post(page, {"action": "save", **texts, "description": "Red pill."})
    change = edits_of(open_draft(curated)).changes[0]
    assert change.model_dump(exclude_none=True) == {"id": "a", "description": "Red pill."}
    assert "Red pill." in alice.get(page).content.decode()
    # As it was: there is no edit any more.
    alice.post(page, {"action": "save", **texts})
    assert not edits_of(open_draft(curated))


def test_merging_leaving_out_and_undoing(alice: Client, curated: Version) -> None:
    page = address(curated, f"/items/{item_pk(curated, 'b')}")
    assert alice.post(page, {"action": "merge", "into": "a"}).status_code == 302
    assert edits_of(open_draft(curated)).targets() == {"b": "a"}
    # Not both.
    response = alice.post(page, {"action": "exclude"})
    assert response.status_code == 422
    assert "both merged into" in response.content.decode()
    alice.post(page, {"action": "undo"})
    alice.post(page, {"action": "exclude"})
    assert edits_of(open_draft(curated)).exclude_items == ("b",)
    assert "left out" in alice.get(address(curated)).content.decode()


@pytest.mark.parametrize(("into", "words"), [("zz", "no item with the id zz"), ("b", "merged into itself"), ("", "required")])
def test_a_merge_that_cannot_be_is_refused(alice: Client, curated: Version, into: str, words: str) -> None:
    response = alice.post(address(curated, f"/items/{item_pk(curated, 'b')}"), {"action": "merge", "into": into})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not edits_of(open_draft(curated))


def test_duplicates_are_merged_into_the_chosen_one(alice: Client, curated: Version) -> None:
    page = address(curated, "/duplicates")
    body = alice.get(page).content.decode()
    assert body.count('name="same"') == 3
    same = [item_pk(curated, item) for item in "ab"]
    alice.post(page, {"same": same, "into": item_pk(curated, "b")})
    assert edits_of(open_draft(curated)).targets() == {"a": "b"}
    assert "merged into b" in alice.get(page).content.decode()
    # An item with another title does not come along, and one must stay.
    alice.post(page, {"same": [item_pk(curated, "c"), item_pk(curated, "d")], "into": item_pk(curated, "c")})
    body = alice.post(page, {"same": same, "into": "x"}, follow=True).content.decode()
    assert "choose which of the ticked ones stays" in body
    assert edits_of(open_draft(curated)).targets() == {"a": "b"}


@pytest.mark.parametrize("tail", ["", "/start", "/duplicates", "/list", "/draft", "/items/1"])
def test_only_curators_of_the_project(people: People, bob: Client, charlie: Client, curated: Version, tail: str) -> None:
    page = address(curated, f"/items/{item_pk(curated, 'a')}" if tail.startswith("/items") else tail)
    for client, status in ((bob, 403), (people.client("bob", "researcher"), 403), (charlie, 404)):
        assert client.get(page).status_code == status
        if tail:
            assert client.post(page, {"action": "exclude"}).status_code == status
    assert open_draft(curated) is None
    assert people.client("bob", "curator").get(page, follow=True).status_code == 200


def test_an_item_of_another_version_is_not_there(alice: Client, curated: Version, people: People) -> None:
    other = make_version(people, "Films")
    copy_items(other)
    assert alice.get(address(curated, f"/items/{item_pk(other, 'a')}")).status_code == 404
