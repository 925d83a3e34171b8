"""Finding items by their titles."""

from engine.title_search import TitleSearch

TITLES = [
    "The Matrix",
    "Matrix, the making of",
    "Animatrix",
    "<b>Bold</b> & 50 %_",
    "",
    "\uff2d\uff21\uff34rix\u3000II",
    "Straße",
]
SEARCH = TitleSearch([f"i{number}" for number in range(len(TITLES))], TITLES)


def test_titles_that_begin_so_come_first_then_words_then_the_rest() -> None:
    assert SEARCH.find("matrix", 10) == [5, 1, 0, 2]
    assert SEARCH.find("matrix", 2) == [5, 1]
    assert SEARCH.find("THE  m", 10) == [0, 1]


def test_what_is_typed_is_text_and_no_pattern() -> None:
    assert SEARCH.find("50 %_", 5) == SEARCH.find("<B>", 5) == [3]
    assert SEARCH.find(".*", 5) == SEARCH.find("%", 0) == []
    assert SEARCH.find("strasse", 5) == [6]


def test_an_id_finds_its_item_first() -> None:
    assert SEARCH.find("i4", 5) == [4]
    both = TitleSearch(["matrix", "x"], ["Other", "Matrix"])
    assert both.find(" matrix ", 5) == [0, 1]
    assert both.find("matrix", 1) == [0]


def test_nothing_typed_finds_nothing() -> None:
    assert SEARCH.find("  ", 5) == SEARCH.find("", 5) == []
