import csv
import io

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.table import Table, read_table
from engine.errors import DataError
from tests.engine.data.builders import text_of


def rows(table: Table) -> list[tuple[str, ...]]:
    return table.frame.rows()


def lines(table: Table) -> list[int]:
    return [table.line(row) for row in range(table.frame.height)]


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,x\n2,\n",
        "a,b\r\n1,x\r\n2,\r\n",
        "a,b\r1,x\r2,",
        "a,b\n1,x\r2,\r\n",
        '"a",b\n1,"x"\n2,""',
        "a;b\n1;x\n2;\n",
        "a\tb\n1\tx\n2\t\n",
    ],
)
def test_line_ends_quotes_and_delimiters_do_not_matter(content: str) -> None:
    table = read_table(text_of(content))
    assert table.frame.columns == ["a", "b"]
    assert rows(table) == [("1", "x"), ("2", "")]
    assert lines(table) == [2, 3]


def test_nothing_is_stripped_and_nothing_becomes_a_number() -> None:
    assert rows(read_table(text_of("a,b\n 001 ,1e5\n"))) == [(" 001 ", "1e5")]


def test_a_delimiter_other_than_the_comma_is_told() -> None:
    assert "a semicolon" in read_table(text_of("a;b\n1;2\n")).notices[0]
    assert read_table(text_of("a,b\n1,2\n")).notices == ()


def test_quoted_line_ends_and_blank_lines_keep_the_line_numbers_right() -> None:
    table = read_table(text_of('a,b\n"x\ny",1\n\nz,2\n'))
    assert rows(table) == [("x\ny", "1"), ("z", "2")]
    assert lines(table) == [2, 5]


def test_ragged_rows_are_skipped_with_their_lines() -> None:
    good = "".join(f"{number},x\n" for number in range(30))
    table = read_table(text_of(f"a,b\n1\n{good}1,2,3\n"))
    assert table.frame.height == 30
    assert table.rejected.rows() == [(2, "too few fields", "1"), (33, "too many fields", "1,2,3")]


def test_a_short_and_a_long_row_do_not_cancel_out() -> None:
    good = "".join(f"{number},x\n" for number in range(30))
    assert read_table(text_of(f"a,b\n{good}1\n1,2,3\n")).skipped == (32, 33)


def test_too_many_ragged_rows_are_refused() -> None:
    with pytest.raises(DataError, match=r"2 of 3 rows do not have the 2 fields .* \(lines 2, 4\)"):
        read_table(text_of("a,b\n1\n1,2\n1\n"))


def test_a_quote_that_is_never_closed_is_refused_with_its_line() -> None:
    with pytest.raises(DataError, match="a quote opened on line 3 is never closed"):
        read_table(text_of('a,b\n1,2\n2,"x\n3,4\n'))


def test_text_after_a_closing_quote_is_refused() -> None:
    with pytest.raises(DataError, match="line 2: text follows a closing quote"):
        read_table(text_of('a,b\n1,"x"y\n'))


def test_an_endless_field_is_refused() -> None:
    with pytest.raises(DataError, match="starts on line 2 is longer than"):
        read_table(text_of('a,b\n1,"' + "x" * 200_000))


def test_a_column_named_twice_is_refused() -> None:
    with pytest.raises(DataError, match="'a' twice"):
        read_table(text_of("a,a\n1,2\n"))


def test_without_quoting_a_quote_is_a_letter() -> None:
    table = read_table(text_of('1|say "hi|x\n'), columns=["a", "b", "c"], delimiter="|", quotes=False)
    assert rows(table) == [("1", 'say "hi', "x")]
    assert lines(table) == [1]


def test_skipping_rows_keeps_the_lines_of_the_others() -> None:
    table = read_table(text_of("a\n1\n2\n3\n"))
    rest = table.skip(pl.Series([False, True, False]), "not wanted")
    assert (rows(rest), lines(rest)) == ([("1",), ("3",)], [2, 4])
    assert rest.rejected.rows() == [(3, "not wanted", "2")]


@given(st.lists(st.tuples(st.text('ab," \n;é', max_size=4), st.text('xy\r\n"', max_size=4)), min_size=1, max_size=8))
def test_whatever_pythons_csv_writes_comes_back(written: list[tuple[str, str]]) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *written])
    table = read_table(text_of(stream.getvalue()))
    assert rows(table) == written
    spans_lines = any(end in value for record in written for value in record for end in "\r\n")
    assert (table.lines is None) == (not spans_lines)


@given(st.lists(st.tuples(st.text('a",\n', max_size=4), st.text('b"', max_size=4)), min_size=1, max_size=6))
def test_unruly_quotes_are_read_as_python_reads_them_or_refused(written: list[tuple[str, str]]) -> None:
    content = "a,b\n" + "".join(f"{first},{second}\n" for first, second in written)
    try:
        expected = list(csv.reader(io.StringIO(content, newline=""), strict=True))[1:]
    except csv.Error:
        with pytest.raises(DataError, match="quote"):
            read_table(text_of(content))
        return
    records = [tuple(record) for record in expected if record]
    good = [record for record in records if len(record) == 2]
    if len(records) - len(good) > 0.1 * len(records):
        with pytest.raises(DataError, match="do not have the 2 fields"):
            read_table(text_of(content))
    else:
        assert rows(read_table(text_of(content))) == good


@given(st.lists(st.tuples(st.text("ab é", max_size=3), st.text("01", min_size=1, max_size=3)), min_size=1, max_size=8))
def test_the_fast_and_the_strict_way_agree(written: list[tuple[str, str]]) -> None:
    content = "".join(f"{first},{second}\n" for first, second in written)
    fast, strict = read_table(text_of("a,b\n" + content)), read_table(text_of("a,b\n" + content + "\n\n"))
    assert fast.lines is None
    assert strict.lines is not None
    assert (rows(fast), lines(fast)) == (rows(strict), lines(strict))


@pytest.mark.parametrize("odd", ['"a\nb",2\n', "1\n", "\n", '"x",1\n'])
def test_one_odd_row_among_many_blocks_is_found_and_told(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.delimited._LARGE", 400)
    monkeypatch.setattr("engine.data.delimited._SMALL", 50)
    before, after = ["".join(f"{number},x\n" for number in numbers) for numbers in (range(200), range(200, 333))]
    table = read_table(text_of(f"a,b\n{before}{odd}{after}"))
    numbers = table.frame.filter(pl.col("b") == "x")["a"].to_list()
    assert numbers == [str(number) for number in range(333)]
    added = 2 if "\nb" in odd else 1
    assert [table.line(row) for row in range(table.frame.height) if table.frame["b"][row] == "x"] == [
        2 + number + (added if number >= 200 else 0) for number in range(333)
    ]
    assert table.skipped == ((202,) if odd == "1\n" else ())
