import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.delimited import Form, read_rows


@given(st.lists(st.sampled_from(["1,2\n", '"a",b\n', '"a\n\n",b\n', "1\n", "\n", "1,2\r\n", '"é""",\n', "1,2,3\n"]), max_size=40))
def test_the_size_of_blocks_does_not_matter(lines_written: list[str]) -> None:
    form = Form("log.csv", ("a", "b"), ",", quotes=True)
    content = ("a,b\n" + "".join(lines_written)).encode()
    whole = read_rows(content, form, header=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.data.delimited._LARGE", 24)
        patch.setattr("engine.data.delimited._SMALL", 7)
        small = read_rows(content, form, header=True)
    assert small.frame.equals(whole.frame)
    assert small.rejected.equals(whole.rejected)
    numbers = [rows.lines if rows.lines is not None else np.arange(2, 2 + rows.frame.height) for rows in (whole, small)]
    assert numbers[0].tolist() == numbers[1].tolist()


def test_a_record_separator_in_quoted_text_is_a_letter() -> None:
    form = Form("log.csv", ("a", "b"), ",", quotes=True)
    assert read_rows(b'a,b\n"x\x1ey",\x1e\n', form, header=True).frame.rows() == [("x\x1ey", "\x1e")]
