"""What is used goes on being there, what is not makes room."""

import pytest

from workers.serving.shelf import Shelf


class Clockwork:
    """Things that take 10 bytes each, and remember what was opened."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.bytes = 0

    def open(self, name: str) -> str:
        self.opened.append(name)
        self.bytes += 10
        return name.upper()


@pytest.fixture
def works() -> Clockwork:
    return Clockwork()


def get(shelf: Shelf[str], works: Clockwork, name: str, stamp: int = 0) -> str:
    thing, seconds = shelf.get(name, stamp, lambda: works.open(name))
    assert seconds >= 0
    return thing


def test_what_was_used_longest_ago_leaves_first(works: Clockwork) -> None:
    shelf: Shelf[str] = Shelf(2, 1000, lambda: works.bytes)
    assert [get(shelf, works, name) for name in ("a", "b", "a", "c", "a")] == ["A", "B", "A", "C", "A"]
    assert works.opened == ["a", "b", "c"]
    get(shelf, works, "b")
    assert works.opened == ["a", "b", "c", "b"]
    assert len(shelf) == 2


def test_memory_bounds_too_but_one_always_stays(works: Clockwork) -> None:
    shelf: Shelf[str] = Shelf(9, 25, lambda: works.bytes)
    for name in "abc":
        get(shelf, works, name)
    assert len(shelf) == 2
    small: Shelf[str] = Shelf(9, 5, lambda: works.bytes)
    get(small, works, "d")
    get(small, works, "e")
    assert len(small) == 1
    assert get(small, works, "e") == "E"
    assert works.opened == list("abcde")


def test_what_changed_is_opened_again(works: Clockwork) -> None:
    shelf: Shelf[str] = Shelf(2, 1000, lambda: works.bytes)
    get(shelf, works, "a", 1)
    get(shelf, works, "a", 1)
    get(shelf, works, "a", 2)
    assert works.opened == ["a", "a"]
    assert len(shelf) == 1


def test_what_cannot_be_opened_is_not_kept(works: Clockwork) -> None:
    shelf: Shelf[str] = Shelf(2, 1000, lambda: works.bytes)
    with pytest.raises(ZeroDivisionError):
        shelf.get("a", 0, lambda: str(1 // 0))
    assert get(shelf, works, "a") == "A"
