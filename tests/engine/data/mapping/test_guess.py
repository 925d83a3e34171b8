import gzip
import io
import time

import polars as pl
import pytest

from engine.data.mapping.guess import guess_columns, guess_mapping, is_ours
from engine.data.mapping.head import ROWS, read_head
from engine.data.mapping.model import FileMapping, FileRole
from engine.data.mapping.preview import preview
from engine.errors import DataError

RETAIL = b"InvoiceNo;StockCode;Description;Quantity;InvoiceDate;CustomerID\n" + b"".join(
    b"%d;S%d;Soap number %d;%d;2011-01-0%d 10:00:00;%d\n" % (row, row % 7, row % 7, row, row % 9 + 1, row % 5)
    for row in range(40)
)


def roles(data: bytes, of: FileRole = "interactions") -> dict[str, str]:
    return dict(guess_mapping(read_head("f.csv", io.BytesIO(data)), of).roles)


def test_names_and_values_tell() -> None:
    assert roles(RETAIL) == {
        "InvoiceNo": "ignore",
        "StockCode": "item",
        "Description": "title",
        "Quantity": "ignore",
        "InvoiceDate": "time",
        "CustomerID": "user",
    }
    assert roles(b"a,b,c,d\nu1,i1,1600000000,4\nu1,i2,1600000001,5\n") == {"a": "user", "b": "item", "c": "time", "d": "rating"}
    assert roles(b"asin\ttitle\tgenres\tyear\nX1\tA soap\tx, y\t1999\n", "items") == {
        "asin": "item",
        "title": "title",
        "genres": "categories",
        "year": "ignore",
    }


def test_each_guess_has_a_reason_and_a_kind() -> None:
    head = read_head("f.csv", io.BytesIO(RETAIL))
    guesses = {guess.column: guess for guess in guess_columns(head, "interactions")}
    assert (guesses["CustomerID"].kind, guesses["CustomerID"].reason) == ("whole numbers", "its name says user")
    assert guesses["InvoiceDate"].kind == "dates"
    assert all(guess.reason for guess in guesses.values())
    assert guess_mapping(read_head("i.csv", io.BytesIO(b'id,genres\n1,"a, b"\n')), "items").separator == ", "


@pytest.mark.parametrize(
    ("data", "of", "ours"),
    [
        (b"user_id,item_id,colour\n1,2,x\n", "interactions", True),
        (b'{"item_id": "1", "title": "x", "brand": "a b"}\n', "items", True),
        (RETAIL, "interactions", False),
        # What our own names would not use is used here.
        (b"user_id,item_id,date\n1,2,2020-01-01\n", "interactions", False),
        (b"user_id,item_id,title\n1,2,A soap\n", "interactions", False),
        (b"item_id,title,price\n1,A soap,3.5\n", "items", False),
    ],
)
def test_our_own_names_need_no_mapping(data: bytes, of: FileRole, ours: bool) -> None:
    assert is_ours(guess_mapping(read_head("f.csv", io.BytesIO(data)), of), of) == ours


def test_the_effect_on_the_cells() -> None:
    data = b"user,item,time,score,tags\nu,i,1600000000000,4.50,a|b\n,i,yesterday,x,\nu,i\n"
    head = read_head("f.csv", io.BytesIO(data))
    mapping = FileMapping(roles={"user": "user", "item": "item", "time": "time", "score": "rating", "tags": "categories"})
    shown = preview(head, mapping)
    (first, second, third) = shown.rows
    assert [cell.shown for cell in first[2]] == ["u", "i", "2020-09-13 12:26:40", "4.5", "a · b"]
    assert [bool(cell.problem) for cell in second[2]] == [True, False, True, True, False]
    assert "timestamp 'yesterday' is not a number or an ISO date" in second[2][2].problem
    assert (third[0], third[1]) == (4, "too few fields (2 of 5): the row is left out")
    assert {(problem, count, line) for problem, count, line in shown.problems} >= {("an empty user", 1, 3), ("no time", 1, 3)}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_only_the_beginning_is_read_whatever_the_size(pack: object) -> None:
    body = b"user,item,time\n" + b"u1,i1,1600000000\n" * 1_000_000
    stream = io.BytesIO(pack(body))  # type: ignore[operator]
    before = time.monotonic()
    head = read_head("f.csv", stream)
    shown = preview(head, guess_mapping(head, "interactions"))
    assert time.monotonic() - before < 1
    assert len(shown.rows) == ROWS
    assert stream.tell() <= 2**18


def test_parquet_and_json_lines() -> None:
    file = io.BytesIO()
    pl.DataFrame({"uid": [1, 2], "iid": ["a", "b"]}).write_parquet(file)
    file.seek(0)
    assert read_head("f.parquet", file).rows == (("1", "a"), ("2", "b"))
    head = read_head("f.jsonl", io.BytesIO(b'{"uid": 1, "tags": ["x", "y"]}\nnonsense\n{"iid": null}\n'))
    assert head.columns == ("uid", "tags", "iid")
    assert head.rows[0] == ("1", "x|y", "")
    assert list(head.problems) == [1]


def test_a_quote_over_the_end_of_the_head_does_no_harm() -> None:
    body = b'user,item,text\n1,2,x\n1,3,"' + b"y" * 300_000 + b'"\n'
    assert read_head("f.csv", io.BytesIO(body)).rows == (("1", "2", "x"),)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a PNG picture"),
        (b"a,b\n1,\0\n", "NUL byte"),
        (b'a,b\n1,"x\n', "line 2 cannot be read"),
        (b"a,a\n1,2\n", "twice"),
        (b"\x1f\x8b\x08\x00" + b"\xff" * 40, "gzip file is damaged"),
        (b"PAR1 no", "Parquet file is incomplete"),
        (b"{]\n", "no line holds an object"),
    ],
)
def test_what_cannot_be_shown_says_why(data: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_head("f.csv", io.BytesIO(data))
    assert caught.value.hint


def test_overrides() -> None:
    mapping = FileMapping(header=False, delimiter="|", encoding="latin-1")
    head = read_head("f.csv", io.BytesIO("1|caf\xe9\n".encode("latin-1")), mapping)
    assert (head.columns, head.rows) == (("column 1", "column 2"), (("1", "caf\xe9"),))
