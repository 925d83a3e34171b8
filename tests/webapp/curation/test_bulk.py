import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.webapp.curation.rows import address
from tests.webapp.people import HOSTILE
from webapp.curation import bulk
from webapp.curation.bulk import MOST_CHARACTERS, read_list
from webapp.curation.drafts import edits_of, open_draft
from webapp.datasets.models import Version

GOOD = """item_id,title,categories,merge_into,exclude,user_id
a,"Matrix, The",Film | Sci-Fi|Film,,,
b,,,a,,

d,,,,YES,
,,,,yes,u7
"""


def file(text: str | bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("list.csv", text.encode() if isinstance(text, str) else text)


def test_a_good_list_is_tried_first_and_then_taken_over(alice: Client, curated: Version) -> None:
    page = address(curated, "/list")
    assert "Try it" in alice.get(page).content.decode()
    body = alice.post(page, {"file": file("\ufeff" + GOOD.replace("\n", "\r\n")), "action": "try"}).content.decode()
    assert "All 4 lines can be taken over" in body
    assert open_draft(curated) is None
    assert alice.post(page, {"text": GOOD, "action": "take"})["Location"] == address(curated, "/draft")
    edits = edits_of(open_draft(curated))
    assert edits.changes[0].model_dump(exclude_none=True) == {"id": "a", "title": "Matrix, The", "categories": ("Film", "Sci-Fi")}
    assert (edits.targets(), edits.exclude_items, edits.exclude_users) == ({"b": "a"}, ("d",), ("u7",))


BAD = [
    ("item_id,title\nzz,T\n", 2, "there is no item 'zz' in this version"),
    ("item_id,merge_into\na,zz\n", 2, "there is no item 'zz'"),
    ("item_id,merge_into\na,a\n", 2, "merged into itself"),
    ("item_id,title\na,T\n\na,S\n", 4, "'a' is on line 2 already"),
    ("item_id,title\na,T,S\n", 2, "3 cells under a header of 2"),
    ("item_id,title\na,\n", 2, "must either change texts, or merge_into, or exclude"),
    ("item_id,title,exclude\na,T,yes\n", 2, "must either change texts"),
    ("item_id,exclude\na,perhaps\n", 2, "exclude is 'perhaps'"),
    ("item_id,user_id,exclude\na,u,yes\n", 2, "both an item and a user"),
    ("item_id,user_id,exclude\n,,yes\n", 2, "neither an item_id nor a user_id"),
    ("item_id,user_id,exclude\n,u,\n", 2, "a user can only be left out"),
    ('item_id,title\n"a\nb",T\nzz,S\n', 4, "no item 'zz'"),
    ("item_id,name\na,T\n", 1, "unknown columns: name"),
    ("item_id,item_id\na,b\n", 1, "a column is there twice"),
    ("title\nT\n", 1, "neither a column item_id nor user_id"),
    ("item_id,title\n", 1, "no line below a header"),
    ('item_id,title\na,"T\n', 2, "cannot be read"),
]


@pytest.mark.parametrize(("text", "line", "words"), BAD)
def test_wrong_lines_are_named(curated: Version, text: str, line: int, words: str) -> None:
    problems = read_list(curated, text).problems
    assert any(number == line and words in problem for number, problem in problems), problems


def test_with_a_wrong_line_nothing_is_taken_over(alice: Client, curated: Version) -> None:
    text = GOOD + f'zz,"{HOSTILE}",,,,\n'
    response = alice.post(address(curated, "/list"), {"text": text, "action": "take"})
    assert response.status_code == 422
    body = response.content.decode()
    assert "1 of the lines is wrong" in body
    assert "There is no item &#x27;zz&#x27; in this version" in body
    assert "<script>alert" not in body
    assert open_draft(curated) is None


def test_lines_that_do_not_fit_together_are_refused(alice: Client, curated: Version) -> None:
    text = "item_id,merge_into,exclude\na,b,\nb,,yes\n"
    body = alice.post(address(curated, "/list"), {"text": text, "action": "take"}).content.decode()
    assert "merged into &#x27;b&#x27;, which is left out" in body
    assert open_draft(curated) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe", "no UTF-8 text"), (b"item_id\x00", "NUL"), (b"", "submitted file is empty")],
)
def test_what_is_no_list_is_said(alice: Client, curated: Version, content: bytes, words: str) -> None:
    response = alice.post(address(curated, "/list"), {"file": file(content), "action": "try"})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert "Choose a list" in alice.post(address(curated, "/list"), {"action": "try"}).content.decode()


def test_a_list_has_limits(curated: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "at most 1,000,000" in read_list(curated, "x" * (MOST_CHARACTERS + 1)).problems[0][1]
    monkeypatch.setattr(bulk, "MOST_LINES", 2)
    assert "more than 2 lines" in read_list(curated, "user_id,exclude\n1,yes\n2,yes\n3,yes\n").problems[0][1]
