import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data import jsonl as jsonl_module
from engine.data.jsonl import read_jsonl
from engine.data.table import Table
from engine.data.text import Text, read_text
from engine.errors import DataError
from tests.engine.data.builders import text_of


def rows(table: Table) -> list[dict[str, str]]:
    return table.frame.to_dicts()


def lines(table: Table) -> list[int]:
    return [table.line(row) for row in range(table.frame.height)]


def rejected(table: Table) -> dict[int, str]:
    return dict(zip(table.rejected["line"], table.rejected["reason"], strict=True))


def test_values_become_the_text_that_a_csv_file_would_have() -> None:
    table = read_jsonl(
        text_of('{"i":881250949,"f":1.0,"e":1e5,"z":-0.10,"n":null,"t":true,"s":" 001 ","q":"null","l":["a","b"]}\n')
    )
    expected = {
        "i": "881250949",
        "f": "1.0",
        "e": "1e5",
        "z": "-0.10",
        "n": "",
        "t": "true",
        "s": " 001 ",
        "q": "null",
        "l": "a|b",
    }
    assert rows(table) == [expected]
    assert table.lists == {"l"}


def test_integers_of_any_length_keep_their_digits() -> None:
    number = "9" * 5000
    assert rows(read_jsonl(text_of(f'{{"a":{number}}}'))) == [{"a": number}]
    assert rows(read_jsonl(text_of(f'{{"a":{number}, "b":[]}}'))) == [{"a": number, "b": ""}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_blank_lines_do_not_matter(end: str) -> None:
    table = read_jsonl(text_of(end.join(['{"a":"x"}', "", '{"a":"y"}', "  ", ' { "a" : "z" } ', ""])))
    assert [row["a"] for row in rows(table)] == ["x", "y", "z"]
    assert lines(table) == [1, 3, 5]


def test_keys_may_stand_in_any_order_and_be_missing() -> None:
    table = read_jsonl(text_of('{"a":1,"b":2}\n{"b":3,"a":4}\n{"c":"5"}\n'))
    assert rows(table) == [{"a": "1", "b": "2", "c": ""}, {"a": "4", "b": "3", "c": ""}, {"a": "", "b": "", "c": "5"}]


def test_escapes_are_read() -> None:
    table = read_jsonl(text_of('{"a":"\\u00e9\\n\\"\\\\u0000\\ud83d\\ude00"}\n'))
    assert rows(table) == [{"a": 'é\n"\\u0000😀'}]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a":1,', "the line is cut off"),
        ('{"a":"x', "the line is cut off"),
        ("{'a':1}", "not JSON (Expecting property name enclosed in double quotes, column 2)"),
        ('{"a":1} x', "not JSON (Extra data, column 9)"),
        ("[1]", "a list, not an object"),
        ("null", "null, not an object"),
        ("true", "true or false, not an object"),
        ("1.5", "a number, not an object"),
        ('"x"', "a text, not an object"),
        ('{"a":NaN}', "NaN is no JSON number"),
        ('{"a":-Infinity}', "-Infinity is no JSON number"),
        ('{"a":1,"b":2,"a":1}', "the key 'a' stands there twice"),
        ('{"a":1,"x":{"b":1,"b":1}}', "the key 'b' stands there twice"),
        ('{"a":["x"]}', "`a` is a list, not one value"),
        ('{"a":{"x":1}}', "`a` is an object, not one value"),
        ('{"a":' + "[" * 100_000, "nested too deeply"),
        ('{"a":"\\u0000"}', "it holds the zero character (\\u0000)"),
        ('{"a":"\\ud800"}', "it holds half of a surrogate pair (\\ud800 to \\udfff)"),
    ],
)
@pytest.mark.parametrize("good", ['{"a":"x"}', '{"a":"\\u00e9"}'])
def test_bad_lines_are_rejected_with_the_reason(line: str, reason: str, good: str) -> None:
    table = read_jsonl(text_of("\n".join([good, good, line, good])))
    assert lines(table) == [1, 2, 4]
    assert table.rejected.rows() == [(3, reason, line[:500])]


def test_a_key_that_mostly_holds_objects_is_left_out() -> None:
    table = read_jsonl(text_of('{"a":1,"o":{"x":1}}\n{"a":2}\n{"a":3,"o":"text"}\n'))
    assert (table.frame.columns, len(rows(table)), rejected(table)) == (["a"], 3, {})
    assert "keys left out, they hold objects: o" in table.notices[0]


def test_a_key_that_mostly_holds_lists_may_hold_single_values_too() -> None:
    table = read_jsonl(text_of('{"a":["x","y"]}\n{"a":"z"}\n{"a":[1,null,true]}\n'))
    assert [row["a"] for row in rows(table)] == ["x|y", "z", "1|true"]


def test_regular_lines_count_when_it_is_judged_what_a_key_mostly_holds() -> None:
    table = read_jsonl(text_of('{"a":"x"}\n' * 5 + '{"a":["y"]}\n' * 3 + '{"a":{}}\n'))
    assert len(rows(table)) == 5
    assert rejected(table) == {
        number: f"`a` is {'an object' if number == 9 else 'a list'}, not one value" for number in (6, 7, 8, 9)
    }


def test_only_the_keys_that_are_wanted_are_judged() -> None:
    text = text_of('{"a":1,"b":{"x":1},"c":[["p","q"],["r"]],"d":["s","t"]}\n{"a":2,"b":[1],"c":"u"}\n{"a":[3],"b":1}\n')
    table = read_jsonl(text, keys=("a", "c", "d"), joins={"c": "|", "d": " "})
    assert rows(table) == [{"a": "1", "c": "p|q|r", "d": "s t"}, {"a": "2", "c": "u", "d": ""}]
    assert rejected(table) == {3: "`a` is a list, not one value"}


def test_dictionaries_as_python_writes_them_are_read_if_asked_for() -> None:
    content = "{'a': 'it\\'s', 'b': None, 'c': 1.5}\n{'a': __import__('os')}\n{\"a\": 1}\n{'a': b'x'}\n"
    table = read_jsonl(text_of(content), literals=True)
    assert rows(table) == [{"a": "it's", "b": "", "c": "1.5"}, {"a": "1", "b": "", "c": ""}]
    assert list(rejected(table)) == [2, 4]
    assert list(rejected(read_jsonl(text_of(content)))) == [1, 2, 4]


def test_a_file_without_a_good_line_is_refused() -> None:
    with pytest.raises(DataError, match=r"2 lines hold no object that can be used: line 1: not JSON .*; line 2: a list"):
        read_jsonl(text_of("user,item\n[1]\n"))


def test_a_long_file_of_something_else_is_refused_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    real = jsonl_module.read_line
    monkeypatch.setattr(jsonl_module, "read_line", lambda line: read.append(line) or real(line))
    with pytest.raises(DataError, match="no object that can be used"):
        read_jsonl(text_of('{"a":1}\n' + "x,y\n" * 5000))
    assert len(read) < 1100


def test_too_many_different_keys_are_refused() -> None:
    with pytest.raises(DataError, match="more than 200 different keys"):
        read_jsonl(text_of("".join(f'{{"k{number}":1}}\n' for number in range(300))))


def test_the_malformed_lines_of_the_shared_set(shared_data: Path) -> None:
    table = read_jsonl(read_text(shared_data / "malformed" / "28_bad_lines.jsonl"))
    assert lines(table) == [1, 9, 10]
    assert table.frame.columns == ["user_id", "item_id", "timestamp", "rating"]
    assert list(rejected(table)) == [2, 3, 4, 5, 6, 7]
    with pytest.raises(DataError, match="line 1: nested too deeply"):
        read_jsonl(read_text(shared_data / "malformed" / "29_deep_nesting.jsonl"))


def attempt(text: Text) -> Table | str:
    try:
        return read_jsonl(text)
    except DataError as error:
        return error.message


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.dictionaries(st.sampled_from(["user", "item", "line", "é"]), VALUES, min_size=1), min_size=1, max_size=8))
def test_the_regular_and_the_strict_way_agree(written: list[dict[str, object]]) -> None:
    text = text_of("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in written))
    both = attempt(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonl_module, "regular_lines", lambda *given: None)
        strict = attempt(text)
    if isinstance(both, str) or isinstance(strict, str):
        assert both == strict
        return
    columns = sorted(strict.frame.columns)
    assert both.frame.select(columns).equals(strict.frame.select(columns))
    assert (lines(both), rejected(both)) == (lines(strict), rejected(strict))
    good = [written[line - 1] for line in lines(strict)]
    for row, source in zip(rows(strict), good, strict=True):
        for key, value in source.items():
            if isinstance(value, float):
                assert math.isclose(float(row[key]), value, rel_tol=0)
            elif not isinstance(value, bool):
                assert row[key] == ("" if value is None else str(value))
