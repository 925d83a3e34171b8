import pytest
from pydantic import ValidationError

from engine.data.edits import Edits, ItemChange, Merge


def test_the_same_edits_are_equal_whatever_their_order() -> None:
    one = Edits(merges=(Merge(source="a", into="b"), Merge(source="c", into="b")), exclude_users=("v", "u", "u"))
    other = Edits(merges=(Merge(source="c", into="b"), Merge(source="a", into="b")), exclude_users=("u", "v"))
    assert one == other
    assert one.model_dump_json() == other.model_dump_json()
    assert Edits.model_validate_json(one.model_dump_json()) == one


def test_chains_are_followed() -> None:
    edits = Edits(merges=(Merge(source="a", into="b"), Merge(source="b", into="c"), Merge(source="d", into="a")))
    assert edits.targets() == {"a": "c", "b": "c", "d": "c"}


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"merges": [{"source": "a", "into": "a"}]}, "'a' is merged into itself"),
        ({"merges": [{"source": "a", "into": "b"}, {"source": "b", "into": "a"}]}, "circle of merges"),
        ({"merges": [{"source": "x", "into": "a"}, {"source": "a", "into": "b"}, {"source": "b", "into": "a"}]}, "circle"),
        ({"merges": [{"source": "a", "into": "b"}, {"source": "a", "into": "c"}]}, "'a' is merged into two others"),
        ({"merges": [{"source": "a", "into": "b"}], "exclude_items": ["a"]}, "'a' is both merged into 'b' and left out"),
        ({"merges": [{"source": "a", "into": "b"}], "exclude_items": ["b"]}, "merged into 'b', which is left out"),
        ({"merges": [{"source": "a", "into": "b"}], "changes": [{"id": "a", "title": "t"}]}, "both changed and merged"),
        ({"changes": [{"id": "a", "title": "t"}], "exclude_items": ["a"]}, "'a' is both changed and left out"),
        ({"changes": [{"id": "a", "title": "t"}, {"id": "a", "title": "s"}]}, "'a' is changed twice"),
        ({"rename": []}, "Extra inputs"),
    ],
)
def test_contradictions_are_refused(edits: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Edits.model_validate(edits)


def test_nothing_is_nothing() -> None:
    assert not Edits()
    assert Edits(changes=(ItemChange(id="a", title=""),))
