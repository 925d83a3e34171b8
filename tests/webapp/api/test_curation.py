"""Curation by REST does what the pages do: a draft is collected, checked, audited, and made into a version."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from tests.webapp.api.asking import ask, get, post, refused
from tests.webapp.curation.rows import ITEMS, copy_items
from tests.webapp.people import People, make_version
from webapp.accounts.models import Scope
from webapp.accounts.tokens import issue_token
from webapp.audit.models import AuditEntry
from webapp.curation.drafts import edits_of, open_draft
from webapp.datasets.models import Question, QuestionKind, QuestionState, Version, VersionState


@pytest.fixture
def curated(version: Version) -> Version:
    copy_items(version)
    return version


def address(version: Version, tail: str = "") -> str:
    return f"/versions/{version.pk}/curation{tail}"


def put(people: People, version: Version, *edits: dict[str, Any]) -> Any:
    return ask(people.alice, "put", address(version, "/edits"), {"edits": list(edits)})


def test_items_are_listed_by_a_worker_first(people: People, version: Version) -> None:
    assert get(people.alice, address(version))["state"] == "none"
    assert "not listed yet" in refused(ask(people.alice, "get", address(version, "/items")), 409)
    assert post(people.alice, address(version))["state"] == "asked"
    assert post(people.alice, address(version))["state"] == "asked"
    question = Question.objects.get(version=version, kind=QuestionKind.ITEMS)
    Question.objects.update(state=QuestionState.FAILED, error="The disk is full.", hint="Make room.")
    known = get(people.alice, address(version))
    assert (known["state"], known["error"], known["hint"]) == ("failed", "The disk is full.", "Make room.")
    assert post(people.alice, address(version))["state"] == "asked"
    assert Question.objects.exclude(pk=question.pk).count() == 1
    copy_items(version)
    assert post(people.alice, address(version)) == {"state": "ready", "error": "", "hint": "", "edits": 0, "made": ""}
    Version.objects.update(state=VersionState.FAILED)
    assert "not ready" in refused(ask(people.alice, "post", address(version), {}), 422)


def test_items_are_searched_and_paged(
    people: People, curated: Version, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    seen, cursor = [], ""
    while True:
        with django_assert_max_num_queries(10):
            page = get(people.alice, address(curated, f"/items?limit=2&cursor={cursor}"))
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert seen == [item for item, *_ in ITEMS]
    assert [item["id"] for item in get(people.alice, address(curated, "/items?q=FILM+matrix"))["items"]] == ["a", "b"]
    (soap,) = get(people.alice, address(curated, "/items?id=e/1%25"))["items"]
    assert (soap["title"], soap["categories"], soap["interactions"], soap["marks"]) == ("Soap", ["Bath"], 1, [])
    assert "cursor" in refused(ask(people.alice, "get", address(curated, '/items?cursor=["x",1]')), 422)


def test_duplicates(people: People, curated: Version) -> None:
    (group,) = get(people.alice, address(curated, "/duplicates"))["items"]
    assert (group["key"], [item["id"] for item in group["items"]]) == ("thematrix", ["a", "b", "c"])
    assert get(people.alice, address(curated, "/duplicates?cursor=thematrix")) == {"items": [], "next": ""}


def test_a_draft_is_collected_and_made(people: People, curated: Version) -> None:
    answer = put(
        people,
        curated,
        {"kind": "change", "target": "a", "title": " The Matrix, 1999 ", "categories": ["Film", "", "Film"]},
        {"kind": "merge", "target": "b", "into": "a"},
        {"kind": "exclude-item", "target": "d"},
        {"kind": "exclude-user", "target": "u9"},
    )
    assert answer.json()["edits"] == 4
    changed, merged = get(people.alice, address(curated, "/items?q=matrix&limit=2"))["items"]
    assert (changed["title"], changed["categories"]) == ("The Matrix, 1999", ["Film"])
    assert merged["marks"] == ["merged into a"]
    page = get(people.alice, address(curated, "/edits?limit=3"))
    assert [edit["kind"] for edit in page["items"]] == ["change", "merge", "exclude-item"]
    (last,) = get(people.alice, address(curated, f"/edits?cursor={page['next']}"))["items"]
    assert (last["target"], last["by"]) == ("u9", "alice")
    gone = ask(people.alice, "delete", address(curated, f"/edits/{page['items'][2]['id']}"))
    assert gone.json() == {
        "edits": 3,
        "summary": {"changed items": 1, "merged items": 1, "excluded items": 0, "excluded users": 1},
    }
    refused(ask(people.alice, "delete", address(curated, f"/edits/{page['items'][2]['id']}")), 404)

    first = ask(people.alice, "post", address(curated, "/version"), {"core": 2}, **{"Idempotency-Key": "one"})
    assert first.status_code == 201
    made = Version.objects.get(pk=first.json()["id"])
    assert (made.parent, made.filters["core"], made.edits["exclude_users"]) == (curated, 2, ["u9"])
    assert get(people.alice, address(curated))["edits"] == 0
    assert "Nothing would change" in refused(ask(people.alice, "post", address(curated, "/version"), {}), 422)
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["draft.edited", "draft.edited", "version.created", "draft.made"]
    # Users who are left out are counted in the trail, never named.
    assert "u9" not in str(list(AuditEntry.objects.values_list("before", "after")))


WRONG = [
    ({"kind": "change", "target": "zz", "title": "T"}, "there is no item 'zz'"),
    ({"kind": "change", "target": "a"}, "a change needs one of"),
    ({"kind": "change", "target": "a", "into": "b", "title": "T"}, "change takes no into"),
    ({"kind": "merge", "target": "a"}, "a merge needs into"),
    ({"kind": "merge", "target": "a", "into": "zz"}, "there is no item 'zz'"),
    ({"kind": "merge", "target": "a", "into": "a"}, "merged into itself"),
    ({"kind": "exclude-item", "target": "a", "title": "T"}, "exclude-item takes no title"),
    ({"kind": "exclude-user", "target": "u", "into": "v"}, "exclude-user takes no into"),
    ({"kind": "exclude-item", "target": "e/1%"}, "edits.0 is of the same kind and target"),
    ({"kind": "change", "target": "e/1%", "title": "T"}, "do not fit together"),
    ({"kind": "exclude-item", "target": ""}, "at least 1 character"),
    ({"kind": "burn", "target": "a"}, "edits.1.kind"),
]


@pytest.mark.parametrize(("wrong", "words"), WRONG)
def test_one_wrong_edit_and_nothing_is_changed(people: People, curated: Version, wrong: dict[str, Any], words: str) -> None:
    answer = put(people, curated, {"kind": "exclude-item", "target": "e/1%"}, wrong)
    assert words in refused(answer, 422)
    assert open_draft(curated) is None


def test_every_wrong_edit_is_named_by_its_place(people: People, curated: Version) -> None:
    right, wrong = {"kind": "exclude-item", "target": "d"}, {"kind": "exclude-item", "target": "zz"}
    problems = put(people, curated, wrong, right, wrong).json()["error"]["problems"]
    assert [problem["field"] for problem in problems] == ["edits.0", "edits.2"]


def test_a_list_is_tried_and_taken(people: People, curated: Version) -> None:
    text = "item_id,title,merge_into\r\na,Matrix,\r\nb,,a\r\n"
    known = post(people.alice, address(curated, "/list"), {"text": text})
    assert known == {"lines": 2, "edits": 2, "problems": [], "taken": False}
    assert open_draft(curated) is None
    bad = post(people.alice, address(curated, "/list"), {"text": text + "zz,T,\n", "take": True})
    assert (bad["taken"], bad["problems"][0]["line"]) == (False, 4)
    assert post(people.alice, address(curated, "/list"), {"text": text, "take": True})["taken"]
    assert edits_of(open_draft(curated)).targets() == {"b": "a"}


def test_reviews(people: People, version: Version) -> None:
    path = f"/versions/{version.pk}/review"
    earlier = make_version(people)
    people.bob.memberships.update(role="researcher")
    for one in (version, earlier):
        assert (
            post(people.bob, f"/versions/{one.pk}/review", {"review": "submitted", "reason": "please"})["review"] == "submitted"
        )
    assert get(people.bob, "/reviews") == {"items": [], "next": ""}
    refused(ask(people.bob, "get", f"/reviews?project={people.project.pk}"), 403)
    refused(ask(people.bob, "post", path, {"review": "approved"}), 403)
    page = get(people.alice, "/reviews?limit=1")
    (waiting,) = page["items"]
    assert (waiting["id"], waiting["by"], waiting["reason"]) == (version.pk, "bob", "please")
    (second,) = get(people.alice, f"/reviews?project={people.project.pk}&cursor={page['next'].replace('+', '%2B')}")["items"]
    assert second["id"] == earlier.pk
    assert "reason" in refused(ask(people.alice, "post", path, {"review": "rejected"}), 422)
    assert post(people.alice, path, {"review": "approved"})["review"] == "approved"
    assert "cannot become" in refused(ask(people.alice, "post", path, {"review": "submitted"}), 422)
    assert AuditEntry.objects.filter(action="version.reviewed").count() == 3


def test_the_card(people: People, version: Version) -> None:
    path = f"/datasets/{version.dataset_id}"
    answer = ask(people.alice, "patch", f"{path}/card", {"licence": "CC0", "purpose": None})
    assert (answer.json()["licence"], answer.json()["purpose"]) == ("CC0", "")
    ask(people.alice, "patch", f"{path}/card", {"licence": "CC0"})
    assert get(people.bob, path)["licence"] == "CC0"
    (entry,) = AuditEntry.objects.all()
    assert (entry.before, entry.after) == ({"licence": ""}, {"licence": "CC0"})
    refused(ask(people.alice, "patch", f"{path}/card", {"licence": "x" * 5001}), 422)
    refused(ask(people.bob, "patch", f"{path}/card", {"licence": "mine"}), 403)
    refused(ask(people.charlie, "patch", f"{path}/card", {"licence": "mine"}), 404)


def test_roles_and_scopes(people: People, curated: Version) -> None:
    people.bob.memberships.update(role="researcher")
    edits = {"edits": [{"kind": "exclude-user", "target": "u"}]}
    for tail in ("", "/items", "/duplicates", "/edits"):
        refused(ask(people.bob, "get", address(curated, tail)), 403)
        refused(ask(people.charlie, "get", address(curated, tail)), 404)
    refused(ask(people.bob, "put", address(curated, "/edits"), edits), 403)
    people.bob.memberships.update(role="curator")
    launch = issue_token(people.bob, "launch", 1, Scope.LAUNCH)[1]
    answer = ask(people.bob, "put", address(curated, "/edits"), edits, Authorization=f"Bearer {launch}")
    assert "scope curate" in refused(answer, 403)
    curate = issue_token(people.bob, "curate", 1, Scope.CURATE)[1]
    assert ask(people.bob, "put", address(curated, "/edits"), edits, Authorization=f"Bearer {curate}").status_code == 200
