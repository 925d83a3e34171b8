import polars as pl
import pytest

from engine.data.catalogue import ItemColumns, clean_text, read_catalogue, with_orphans
from engine.data.table import read_table
from engine.errors import DataError
from tests.engine.data.builders import text_of

HEADER = "item_id,title,categories,description\n"


def read(content: str) -> tuple[pl.DataFrame, str]:
    listed = read_catalogue(read_table(text_of(content, "items.csv")), ItemColumns())
    items, notices = listed.items, listed.notices
    return items, " ".join(notices)


def clean(text: str) -> str:
    return str(pl.select(clean_text(pl.lit(text))).item())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cafe\u0301", "Café"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("Zero\u200bWidth\ufeff", "ZeroWidth"),
        (" a \r\n\t b\u00a0c\u3000", "a b c"),
        ("a\x07b", "a b"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("<script>{{7*7}}", "<script>{{7*7}}"),
        ("=1+1", "=1+1"),
    ],
)
def test_texts_are_cleaned_and_hostile_ones_kept(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_items_with_categories_and_further_columns() -> None:
    items, notices = read(HEADER.replace("\n", ",brand\n") + "001,Mug,a| b ||a,Nice,Acme\n")
    assert items.rows() == [("001", "Mug", ["a", "b"], "Nice", "Acme")]
    assert items.columns == ["id", "title", "categories", "description", "brand"]
    assert notices == ""


def test_only_the_id_is_required() -> None:
    items, notices = read("item_id\ni1\n")
    assert items.rows() == [("i1", "i1", [], "")]
    assert "1 item has no title; the id stands in: i1" in notices


def test_a_blank_title_falls_back_to_the_id() -> None:
    items, notices = read(HEADER + "i1,\u200b ,home,\ni2,Mug,home,\n")
    assert items["title"].to_list() == ["i1", "Mug"]
    assert "the id stands in: i1" in notices


def test_one_id_with_two_titles_is_refused_with_both_lines() -> None:
    with pytest.raises(DataError, match="item_id i1 occurs on lines 2 and 4 with different titles"):
        read(HEADER + "i1,Blue Mug,home,\ni2,Cup,home,\ni1,Red Mug,home,\n")


def test_one_id_with_two_descriptions_is_refused() -> None:
    with pytest.raises(DataError, match="different description"):
        read(HEADER + "i1,Mug,home,old\ni1,Mug,home,new\n")


def test_the_same_item_twice_is_dropped_and_told() -> None:
    items, notices = read(HEADER + "i1,Mug,home,\ni1, Mug ,home,\n")
    assert items.height == 1
    assert "1 repeated rows" in notices


def test_odd_ids_stay_and_are_told() -> None:
    items, notices = read(HEADER + " I1 ,Mug,,\n001,A,,\n1,B,,\n1.0,C,,\n7.6561198E+16,D,,\n")
    assert items["id"].to_list() == [" I1 ", "001", "1", "1.0", "7.6561198E+16"]
    assert "blanks at the ends" in notices
    assert "scientific notation" in notices
    assert "7.6561198E+16" in notices


def test_long_titles_are_kept_and_told() -> None:
    items, notices = read(HEADER + f"i1,{'x' * 1000},,\n")
    assert items["title"].str.len_chars().to_list() == [1000]
    assert "more than 256 characters: i1" in notices


def test_columns_with_names_of_ours_are_left_out() -> None:
    items, notices = read("item_id,title,index,id\ni1,Mug,5,6\n")
    assert items.rows() == [("i1", "Mug", [], "")]
    assert "columns left out" in notices


def test_orphans_get_their_id_as_title() -> None:
    items, _ = read(HEADER.replace("\n", ",brand\n") + "i1,Mug,a,,Acme\n")
    both, notices = with_orphans(items, pl.Series(["z2", "i1", "z1", "z2"]))
    assert both.rows() == [("i1", "Mug", ["a"], "", "Acme"), ("z1", "z1", [], "", ""), ("z2", "z2", [], "", "")]
    assert "2 items have no title" in notices[0]
    assert "z1, z2" in notices[0]


def test_without_an_items_file_all_titles_are_ids() -> None:
    items, notices = with_orphans(None, pl.Series(["b", "a", "b"]))
    assert items["title"].to_list() == ["a", "b"]
    assert "no items file" in notices[0]


def test_a_file_without_items_or_ids_is_refused() -> None:
    with pytest.raises(DataError, match="no items in the file"):
        read(HEADER)
    with pytest.raises(DataError, match="required column `item_id` is missing"):
        read("title\nMug\n")
