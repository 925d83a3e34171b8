from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.specs import SplitSpec
from engine.data.splits import make_split
from engine.errors import DataError
from engine.spec import FilterSpec
from tests.engine.data.builders import Row, version_of
from tests.engine.data.splits.brute import ROWS, Event, Fate, check, made

DAY = 86_400


def fate_at(valid_from: int, test_from: int) -> Any:
    def fate(events: list[Event], user: str) -> Fate:
        found = Fate([event.item for event in events if event.time < valid_from])
        for place, event in enumerate(events):
            history = [earlier.item for earlier in events[:place]]
            if found.valid is None and valid_from <= event.time < test_from:
                found.valid = (history, event.item)
            if found.test is None and event.time >= test_from:
                found.test = (history, event.item)
                found.tied = sum(other.time == event.time for other in events) > 1
        return found

    return fate


@settings(max_examples=50, deadline=None)
@given(ROWS, st.tuples(st.integers(1, 19), st.integers(1, 19)).filter(lambda pair: pair[0] < pair[1]))
def test_shares_cut_where_counting_says(rows: list[Row], twentieths: tuple[int, int]) -> None:
    spec = SplitSpec.model_validate({"kind": "temporal", "valid_from": twentieths[0] / 20, "test_from": twentieths[1] / 20})
    found = made(rows, spec)
    times = sorted(event.time for events in found.users.values() for event in events)
    cuts = [times[min(round(part / 20 * len(times)), len(times) - 1)] for part in twentieths]
    if cuts[0] == cuts[1]:
        assert "there are none between" in found.problem
    else:
        check(found, fate_at(*cuts))


@settings(max_examples=40, deadline=None)
@given(ROWS, st.tuples(st.integers(0, 14), st.integers(0, 14)).filter(lambda pair: pair[0] < pair[1]))
def test_dates_cut_at_the_first_interaction_from_then_on(rows: list[Row], days: tuple[int, int]) -> None:
    spec = SplitSpec(kind="temporal", valid_from=f"1970-01-{1 + days[0]:02}", test_from=f"1970-01-{1 + days[1]:02}")
    found = made([(user, item, DAY * time) for user, item, time in rows], spec)
    last = max(event.time for events in found.users.values() for event in events)
    if last < DAY * days[1]:
        assert "nothing happened from then on" in found.problem
    elif "there are none between" not in found.problem and check(found, fate_at(DAY * days[0], DAY * days[1])):
        assert found.split is not None
        earlier = [event for events in found.users.values() for event in events if event.time < DAY * days[0]]
        assert len(found.split.train.items) == len(earlier)


ROWS_OF_THREE: list[Row] = [
    *(("u1", item, DAY * day) for day, item in enumerate("abcde")),
    *(("u2", item, DAY * day) for day, item in enumerate("bcdea")),
    ("u3", "a", 3 * DAY),
    ("u3", "b", 4 * DAY),
    ("u3", "c", 4 * DAY),
]


def split_at(folder: Path, valid_from: str, test_from: str) -> Any:
    spec = SplitSpec(kind="temporal", valid_from=valid_from, test_from=test_from)
    return make_split(version_of(ROWS_OF_THREE, folder), spec)


def test_the_hash_is_that_of_what_was_cut(tmp_path: Path) -> None:
    by_date = split_at(tmp_path / "a", "1970-01-04", "1970-01-05")
    assert by_date.hash == split_at(tmp_path / "b", "1970-01-04", "1970-01-05").hash
    # the same cut in other words
    same = split_at(tmp_path / "c", "1970-01-03T12:00:00", "1970-01-04T00:00:01")
    assert (same.hash, same.name) == (by_date.hash, by_date.name)
    assert by_date.hash != split_at(tmp_path / "d", "1970-01-03", "1970-01-05").hash
    assert by_date.name == "temporal (validation from 1970-01-04, test from 1970-01-05)"


def test_users_without_a_past_are_not_evaluated_and_counted(tmp_path: Path) -> None:
    split = split_at(tmp_path / "a", "1970-01-04", "1970-01-05")
    assert split.targets("valid")[0].tolist() == [0, 1]
    assert split.targets("test")[0].tolist() == [0, 1, 2]
    assert split.history(2, "test").tolist() == [0]
    assert split.train[2].tolist() == []
    assert split.ties == 1
    assert split.notices == ("Users whose target has nothing before it are not evaluated: 1 of the validation.",)


def test_moments_of_one_day_are_told_to_the_second(tmp_path: Path) -> None:
    rows = [(user, item, 60 * time) for user in "uv" for time, item in enumerate("abcdefghij")]
    split = make_split(version_of(rows, tmp_path), SplitSpec(kind="temporal"))
    assert split.name == "temporal (validation from 1970-01-01T00:08:00Z, test from 1970-01-01T00:09:00Z)"


@pytest.mark.parametrize("time", ["order", "position"])
def test_without_real_times_it_is_refused(tmp_path: Path, time: Any) -> None:
    version = version_of(ROWS_OF_THREE, tmp_path, time=time)
    with pytest.raises(DataError, match="no real times") as caught:
        make_split(version, SplitSpec(kind="temporal"))
    assert "leave-one-out" in caught.value.hint


@pytest.mark.parametrize(
    ("valid_from", "test_from", "message"),
    [
        ("1970-01-01", "1970-01-04", "nothing to train on"),
        ("2001-01-01", "2002-01-01", "nothing happened from then on"),
        ("0.98", "0.99", "there are none between"),
    ],
)
def test_a_cut_that_leaves_a_part_empty_is_refused(tmp_path: Path, valid_from: str, test_from: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        split_at(tmp_path, valid_from, test_from)
    assert "split.valid_from" in caught.value.hint


def test_on_real_data(shared_data: Path, tmp_path: Path) -> None:
    version = prepare(read_raw(shared_data / "ml-100k"), FilterSpec(core=5), tmp_path / "version")
    split = make_split(version, SplitSpec(kind="temporal"))
    rows = pl.DataFrame({"user": version.user, "item": version.item, "time": version.timestamp})
    cuts = rows["time"].sort().gather([round(share * rows.height) for share in (0.8, 0.9)]).to_list()
    earlier, late = rows.filter(pl.col("time") < cuts[0]), rows.filter(pl.col("time") >= cuts[1])
    assert len(split.train.items) == earlier.height == 79_430
    assert split.name == "temporal (validation from 1998-03-06, test from 1998-03-31)"
    first = late.filter((pl.col("time") == pl.col("time").min()).over("user")).unique("user", keep="first", maintain_order=True)
    with_past = set(rows.filter(pl.col("time") < cuts[1])["user"])
    expected = {user: item for user, item, _ in first.iter_rows() if user in with_past}
    users, targets = split.targets("test")
    assert dict(zip(users.tolist(), targets.tolist(), strict=True)) == expected
    assert set(split.train.items.tolist()) <= set(earlier["item"])
    bare = late["user"].n_unique() - len(expected)
    assert split.notices[0].endswith(f"and {bare} of the test.")
