from pathlib import Path

import pytest

from engine.data.read import read_raw
from engine.data.readers import READERS
from engine.errors import DataError

LOG = (
    "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    "1\t1193\t5\t978300760\n1\t661\t3\t978302109\n2\t661\t3\t978302110\n"
)


def write(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content, encoding="utf-8")
    return folder


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    items = (
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tgenre:token_seq\n"
        "1193\tToy Story\t1995\tAnimation Children's Comedy\n661\tJumanji\t1995\tAdventure Children's Fantasy\n"
    )
    raw = read_raw(write(tmp_path, a_inter=LOG, a_item=items, a_user="user_id:token\tage:token\n1\t1\n"))
    assert raw.interactions.rows() == [
        ("1", "1193", 978300760, 5.0),
        ("1", "661", 978302109, 3.0),
        ("2", "661", 978302110, 3.0),
    ]
    assert raw.time == "real"
    assert raw.items.select("id", "title", "categories", "release_year").rows() == [
        ("1193", "Toy Story", ["Animation", "Children's", "Comedy"], "1995"),
        ("661", "Jumanji", ["Adventure", "Children's", "Fantasy"], "1995"),
    ]


@pytest.mark.parametrize("cell", ["Hair Care|Skin", "Hair Care, Skin", "Hair Care,Skin", "Hair\u00a0Care Skin"])
def test_members_of_a_sequence_are_told_apart(tmp_path: Path, cell: str) -> None:
    items = f"item_id:token\tcategories:token_seq\n1193\t{cell}\n661\t\n"
    raw = read_raw(write(tmp_path, a_inter=LOG, a_item=items))
    assert raw.items["categories"].to_list() == [["Hair Care", "Skin"], []]


def test_a_single_token_is_one_category(tmp_path: Path) -> None:
    raw = read_raw(write(tmp_path, a_inter=LOG, a_item="item_id:token\tclass:token\n1193\tHair Care\n661\tSkin\n"))
    assert raw.items["categories"].to_list() == [["Hair Care"], ["Skin"]]


def test_other_names_of_ids_are_the_first_two_tokens(tmp_path: Path) -> None:
    log = "weight:float\tsession_id:token\tartist_id:token\n3\ts\ta\n2\tt\tb\n"
    raw = read_raw(write(tmp_path, a_inter=log, a_item="artist_id:token\tname:token_seq\na\tAir\nb\tBlur\n"))
    assert raw.interactions.select("user", "item").rows() == [("s", "a"), ("t", "b")]
    assert raw.items["title"].to_list() == ["Air", "Blur"]


def test_quotes_are_letters_where_they_do_not_quote(tmp_path: Path) -> None:
    items = 'item_id:token\ttitle:token_seq\n1193\t"Why" she asked\n661\tWhy "not\n'
    raw = read_raw(write(tmp_path, a_inter=LOG, a_item=items))
    assert raw.items["title"].to_list() == ['"Why" she asked', 'Why "not']


def test_several_logs_are_not_joined(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"several files of interactions: a\.test\.inter, a\.train\.inter"):
        read_raw(write(tmp_path, a_train_inter=LOG, a_test_inter=LOG))


def test_a_field_named_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'user_id' twice"):
        read_raw(write(tmp_path, a_inter="user_id:token\tuser_id:float\titem_id:token\n1\t2\t3\n"))


@pytest.mark.parametrize("header", ["user_id\titem_id", "user_id:token,item_id:token", "user_id:int\titem_id:token", ""])
def test_a_file_without_types_is_not_atomic(tmp_path: Path, header: str) -> None:
    assert not READERS.get("recbole").recognises(write(tmp_path, a_inter=header + "\n1\t2\n"))
