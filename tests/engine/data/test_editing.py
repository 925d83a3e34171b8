from pathlib import Path

import polars as pl
import pytest

from engine.data.coded import CodedRows
from engine.data.editing import apply_edits, derive
from engine.data.edits import Edits, ItemChange, Merge
from engine.data.specs import FilterSpec
from engine.data.version import Version, read_version
from engine.errors import DataError
from tests.engine.data.builders import version_of

ROWS = [("u1", "a", 1), ("u1", "b", 2), ("u1", "c", 2), ("u2", "a", 1), ("u2", "c", 3), ("u3", "b", 5), ("u3", "b", 6)]
NONE = FilterSpec(core=0)


@pytest.fixture
def parent(tmp_path: Path) -> Version:
    return version_of(ROWS, tmp_path / "parent")


def rows_of(version: Version) -> list[tuple[str, str, int]]:
    items = version.item_ids
    return [
        (version.users[user], items[item], int(time))
        for user, item, time in zip(version.user, version.item, version.timestamp, strict=True)
    ]


def test_no_edit_keeps_the_hash_and_names_the_parent(parent: Version, tmp_path: Path) -> None:
    child = derive(parent, Edits(), NONE, tmp_path / "child")
    assert child.hash == parent.hash
    assert child.manifest.parent == parent.hash
    assert read_version(tmp_path / "child").manifest.sources == parent.manifest.sources


def test_texts_change_and_are_cleaned(parent: Version, tmp_path: Path) -> None:
    changes = (
        ItemChange(id="a", title="  Nice\u200b  soap ", categories=(" Bath", "", "Bath"), description="d\x00x"),
        ItemChange(id="b", title=""),
        ItemChange(id="c", categories=()),
    )
    child = derive(parent, Edits(changes=changes), NONE, tmp_path / "child")
    assert child.titles == ["Nice soap", "b", "c"]
    assert child.items["categories"].to_list() == [["Bath"], [], []]
    assert child.items["description"].to_list() == ["d x", "", ""]
    assert rows_of(child) == rows_of(parent)
    assert child.hash != parent.hash
    step = child.manifest.filters[0]
    assert (step.name, step.settings) == ("edit-items", {"title changed": 2, "categories changed": 2, "description changed": 1})


def test_merging_keeps_interactions_and_drops_what_became_equal(parent: Version, tmp_path: Path) -> None:
    # b and c of u1 have the same time: merged, they are one interaction.
    child = derive(parent, Edits(merges=(Merge(source="c", into="b"),)), NONE, tmp_path / "child")
    assert rows_of(child) == [("u1", "a", 1), ("u1", "b", 2), ("u2", "a", 1), ("u2", "b", 3), ("u3", "b", 5), ("u3", "b", 6)]
    assert child.item_ids == ["a", "b"]
    steps = {step.name: step for step in child.manifest.filters}
    assert (steps["merge-items"].items_removed, steps["merge-items"].interactions_removed) == (1, 0)
    assert steps["duplicates"].interactions_removed == 1


def test_a_chain_of_merges_ends_in_one_item(parent: Version, tmp_path: Path) -> None:
    edits = Edits(merges=(Merge(source="a", into="b"), Merge(source="b", into="c")))
    child = derive(parent, edits, NONE, tmp_path / "child")
    assert child.item_ids == ["c"]
    assert len(child.item) == len(ROWS) - 1


def test_items_and_users_are_left_out(parent: Version, tmp_path: Path) -> None:
    child = derive(parent, Edits(exclude_items=("a",), exclude_users=("u3",)), NONE, tmp_path / "child")
    assert rows_of(child) == [("u1", "b", 2), ("u1", "c", 2), ("u2", "c", 3)]
    assert child.users == ["u1", "u2"]
    assert child.item_ids == ["b", "c"]
    steps = {step.name: step for step in child.manifest.filters}
    assert steps["exclude-users"].settings["ids"] == 1
    assert "u3" not in child.manifest.model_dump_json()


def test_filters_come_after_edits(parent: Version, tmp_path: Path) -> None:
    child = derive(parent, Edits(merges=(Merge(source="c", into="b"),)), FilterSpec(core=2), tmp_path / "child")
    assert [step.name for step in child.manifest.filters] == ["merge-items", "duplicates", "k-core"]
    assert rows_of(child) == [("u1", "a", 1), ("u1", "b", 2), ("u2", "a", 1), ("u2", "b", 3), ("u3", "b", 5), ("u3", "b", 6)]


def test_the_hash_follows_from_the_edits_alone(parent: Version, tmp_path: Path) -> None:
    edits = Edits(merges=(Merge(source="c", into="b"),), changes=(ItemChange(id="b", title="Soap"),), exclude_users=("u3",))
    one, two = derive(parent, edits, NONE, tmp_path / "one"), derive(parent, edits, NONE, tmp_path / "two")
    assert one.hash == two.hash
    # The same change in two generations gives the same data.
    step = derive(parent, Edits(merges=edits.merges, exclude_users=("u3",)), NONE, tmp_path / "step")
    assert derive(step, Edits(changes=edits.changes), NONE, tmp_path / "last").hash == one.hash


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        (Edits(exclude_items=("zz", "a")), "1 item of the edits is not in this version: zz."),
        (Edits(merges=(Merge(source="y", into="z"),)), "2 items of the edits are not in this version: y, z."),
        (Edits(exclude_users=tuple(f"x{number:02}" for number in range(12))), "x09 and 2 more"),
        (Edits(exclude_users=("u1", "u2", "u3")), "Nothing is left"),
    ],
)
def test_what_cannot_be_done_is_said(parent: Version, edits: Edits, words: str) -> None:
    with pytest.raises(DataError) as caught:
        apply_edits(CodedRows.of_version(parent), edits)
    assert words in str(caught.value)


def test_the_given_rows_stay_as_they_were(parent: Version) -> None:
    rows = CodedRows.of_version(parent)
    frame, items = rows.frame.clone(), rows.items.clone()
    apply_edits(rows, Edits(merges=(Merge(source="c", into="b"),), changes=(ItemChange(id="a", title="x"),)))
    assert rows.frame.equals(frame)
    assert rows.items.equals(items)
    assert rows.items["title"].dtype == pl.String
