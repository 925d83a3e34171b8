import polars as pl
import pytest

from engine.data.interactions import LogColumns, read_log
from engine.data.raw import Time
from engine.data.table import read_table
from engine.errors import DataError
from tests.engine.data.builders import text_of

HEADER = "user_id,item_id,timestamp,rating\n"


def read(content: str) -> tuple[pl.DataFrame, Time, str]:
    log = read_log(read_table(text_of(content)), LogColumns())
    frame, time, notices = log.interactions, log.time, log.notices
    return frame, time, " ".join(notices)


def test_a_log_in_file_order() -> None:
    frame, time, notices = read(HEADER + "u2,i1,1600000005,5\nu1,001,1600000003,3.5\n")
    assert frame.rows() == [("u2", "i1", 1_600_000_005, 5.0), ("u1", "001", 1_600_000_003, 3.5)]
    assert dict(frame.schema) == {"user": pl.Categorical, "item": pl.Categorical, "timestamp": pl.Int64, "weight": pl.Float32}
    assert (time, notices) == ("real", "")


def test_columns_may_stand_in_any_order_and_others_are_named_as_unused() -> None:
    frame, _, notices = read("price,item_id,rating,timestamp,user_id\n9,i1,2,1600000000,u1\n")
    assert frame.rows() == [("u1", "i1", 1_600_000_000, 2.0)]
    assert "columns not used: price" in notices


@pytest.mark.parametrize("content", ["user_id,item_id\nu1,a\nu2,b\nu1,c\n", "user_id,item_id,timestamp\nu1,a,\nu2,b,\nu1,c,\n"])
def test_without_timestamps_the_file_order_counts(content: str) -> None:
    frame, time, notices = read(content)
    assert (frame["timestamp"].to_list(), time) == ([1, 1, 2], "order")
    assert "the order of the rows is taken" in notices


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [((1, 1, 2), "position"), ((2, 1, 1), "position"), ((1, 1, 3), "real"), ((1, 2, 1), "real"), ((0, 1, 1), "real")],
)
def test_positions_are_recognised(stamps: tuple[int, int, int], expected: str) -> None:
    rows = zip(("u1", "u2", "u1"), stamps, strict=True)
    _, time, _ = read(HEADER + "".join(f"{user},a,{stamp},\n" for user, stamp in rows))
    assert time == expected


def test_parts_of_a_second_are_kept_beside_the_seconds() -> None:
    frame, _, notices = read(HEADER + "u1,a,1600000000900,\nu1,b,1600000000100,\n")
    assert frame.select("timestamp", "fraction").rows() == [(1_600_000_000, 900), (1_600_000_000, 100)]
    assert "in milliseconds" in notices


def test_mixed_units_are_told() -> None:
    frame, _, notices = read(HEADER + "u1,a,1600000000000,\nu1,b,1600000001,\n")
    assert frame["timestamp"].to_list() == [1_600_000_000, 1_600_000_001]
    assert "mix seconds and milliseconds; 1 of 2" in notices


def test_wrong_timestamps_are_refused_with_lines_and_values() -> None:
    with pytest.raises(DataError) as caught:
        read(HEADER + "u1,a,5,\nu1,b,yesterday,\nu1,c,,\n")
    assert caught.value.message.startswith("interactions.csv, line 3: timestamp 'yesterday' is not a number or an ISO date")
    assert "line 4 ''" in caught.value.message


def test_dates_without_dashes_are_not_taken_for_seconds() -> None:
    with pytest.raises(DataError, match="'20200914' is a date without dashes"):
        read(HEADER + "u1,a,20200914,\nu1,b,20201231,\n")
    assert read(HEADER + "u1,a,20200914,\nu1,b,99999999,\n")[1] == "real"


def test_wrong_ratings_are_refused_with_their_line() -> None:
    for rating in ("good", "nan", "inf"):
        with pytest.raises(DataError, match=f"line 3: rating '{rating}' is not a number"):
            read(HEADER + f"u1,a,5,1\nu1,b,6,{rating}\n")


def test_missing_ratings_are_null_and_told_if_others_are_there() -> None:
    frame, _, notices = read(HEADER + "u1,a,5,1\nu1,b,6,\n")
    assert frame["weight"].to_list() == [1.0, None]
    assert "1 interactions have no rating" in notices
    assert "no rating" not in read(HEADER + "u1,a,5,\nu1,b,6,\n")[2]


def test_rows_without_a_user_or_an_item_are_skipped_with_their_lines() -> None:
    frame, _, notices = read(HEADER + ",a,5,1\nu1,b,6,2\nu1,,7,3\n")
    assert frame["item"].to_list() == ["b"]
    assert "2 rows skipped" in notices
    assert "lines 2, 4" in notices


def test_a_missing_column_is_named_with_what_was_found_and_a_guess() -> None:
    with pytest.raises(DataError) as caught:
        read("user_id,Item_Id,timestamp\nu1,a,5\n")
    assert caught.value.message == "interactions.csv: required column `item_id` is missing; found: user_id, Item_Id, timestamp."
    assert "'Item_Id'" in caught.value.hint


@pytest.mark.parametrize("content", [HEADER, HEADER + ",,,\n"])
def test_a_file_without_rows_is_refused(content: str) -> None:
    with pytest.raises(DataError, match="no interactions in the file"):
        read(content)
