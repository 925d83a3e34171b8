"""Each filter of a version, alone and together, and the preview that must say the same."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.coded import CodedRows
from engine.data.draw import drawing_order
from engine.data.filter_preview import preview_filters
from engine.data.prepare import prepare
from engine.data.raw import RawData, Time
from engine.data.version import Version
from engine.errors import DataError
from engine.spec import FilterSpec

DAY = 86_400
START = 1_577_836_800  # 2020-01-01
GENRES = {"a": ["Toys, Games"], "b": ["Books"], "c": ["Books", "Maps"], "d": []}
Row = tuple[str, str, int, float | None]
ROWS: list[Row] = [
    (f"u{user}", item, START + day * DAY, float(1 + (user + day) % 5))
    for user in range(6)
    for day, item in enumerate(("a", "b", "c"))
]


def raw_of(rows: list[Row], time: Time = "real") -> RawData:
    schema = {"user": pl.String, "item": pl.String, "timestamp": pl.Int64, "weight": pl.Float32}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    items = pl.DataFrame({"id": list(GENRES), "title": list(GENRES), "categories": list(GENRES.values())})
    items = items.with_columns(pl.col("categories").cast(pl.List(pl.String)), description=pl.lit(""))
    return RawData(frame, items, {"made.csv": "0" * 64}, time)


def made(folder: Path, rows: list[Row] = ROWS, **filters: Any) -> Version:
    return prepare(raw_of(rows), FilterSpec.model_validate({"core": 0, **filters}), folder / "v")


@pytest.mark.parametrize(
    ("filters", "name", "removed", "users", "items"),
    [
        ({"after": "2020-01-02"}, "time-range", 6, 6, ["a", "b", "c", "d"]),
        ({"before": "2020-01-02T00:00:00Z"}, "time-range", 12, 6, ["a", "b", "c", "d"]),
        ({"after": "2020-01-02", "before": "2020-01-03T00:00:01"}, "time-range", 6, 6, ["a", "b", "c", "d"]),
        ({"after": "2020-01-02T01:00+01:00"}, "time-range", 6, 6, ["a", "b", "c", "d"]),
        ({"exclude_users": ["u1", "u5", "nobody"]}, "exclude-users", 6, 4, ["a", "b", "c", "d"]),
        ({"exclude_items": "a, d"}, "exclude-items", 6, 6, ["b", "c"]),
        ({"categories": ["Books", "Nothing"]}, "categories", 6, 6, ["b", "c"]),
        ({"categories": '"Toys, Games", Maps'}, "categories", 6, 6, ["a", "c"]),
        ({"without_categories": ["Maps"]}, "without-categories", 6, 6, ["a", "b", "d"]),
        ({"sample_users": 0.5}, "sample-users", 9, 3, ["a", "b", "c", "d"]),
        ({"sample_users": 2}, "sample-users", 12, 2, ["a", "b", "c", "d"]),
        ({"sample_users": 100}, "sample-users", 0, 6, ["a", "b", "c", "d"]),
    ],
)
def test_each_filter_takes_what_it_names(
    tmp_path: Path, filters: dict[str, Any], name: str, removed: int, users: int, items: list[str]
) -> None:
    version = made(tmp_path, **filters)
    duplicates, step = version.manifest.filters
    assert (duplicates.name, step.name, step.interactions_removed) == ("duplicates", name, removed)
    assert (step.users_removed, step.items_removed) == (6 - users, 4 - len(items))
    assert (version.counts.users, version.item_ids) == (users, items)
    assert version.item.max() < len(items)
    titles = {version.titles[item] for item in version.item}
    assert titles <= set(items)


def test_what_is_not_in_the_data_is_said(tmp_path: Path) -> None:
    version = made(tmp_path, exclude_users=["u1", "x", "y"], categories=["Books", "Bookz"], sample_users=50)
    assert [notice for notice in version.manifest.notices if notice.startswith("filters.")] == [
        "filters.exclude_users: 2 of the 3 ids are no users of these data.",
        "filters.categories: no item is in Bookz. Some of the categories: Books, Maps, Toys, Games.",
        "filters.sample_users asks for 50 users, there are 5: all were kept.",
    ]


def test_the_manifest_does_not_name_those_who_were_left_out(tmp_path: Path) -> None:
    text = made(tmp_path, exclude_users=["u3"]).manifest.model_dump_json()
    assert "u3" not in text
    assert '"ids":1' in text


def test_all_filters_stand_in_the_manifest_in_their_order(tmp_path: Path) -> None:
    filters: dict[str, Any] = {
        "minimum_rating": 1,
        "after": "2019-01-01",
        "exclude_users": ["u0"],
        "exclude_items": ["d"],
        "categories": ["Books"],
        "without_categories": ["Toys, Games"],
        "sample_users": 4,
        "core": 2,
    }
    assert [step.name for step in made(tmp_path, **filters).manifest.filters] == [
        "duplicates",
        "minimum-rating",
        "time-range",
        "exclude-users",
        "exclude-items",
        "categories",
        "without-categories",
        "sample-users",
        "k-core",
    ]


def test_users_are_drawn_by_their_ids_alone() -> None:
    many, few = [f"u{number}" for number in range(1000)], [f"u{number}" for number in range(0, 1000, 3)]
    drawn = [many[place] for place in drawing_order(many, 7)]
    assert [user for user in drawn if user in set(few)] == [few[place] for place in drawing_order(few, 7)]
    assert drawn != [many[place] for place in drawing_order(many, 8)]
    # The draw of one small list never changes: versions and splits would.
    assert drawing_order(["u1", "u2", "ü3", ""], 0).tolist() == [0, 2, 3, 1]


def test_the_same_draw_gives_the_same_hash_and_another_seed_another(tmp_path: Path) -> None:
    first = made(tmp_path / "a", sample_users=3, sample_seed=1)
    assert made(tmp_path / "b", sample_users=3, sample_seed=1).hash == first.hash
    hashes = {made(tmp_path / str(seed), sample_users=3, sample_seed=seed).hash for seed in range(2, 8)}
    assert len(hashes | {first.hash}) > 1


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"after": "2021-01-01"}, "Nothing is left of 18 interactions of 6 users with 4 items from 2021-01-01."),
        ({"before": "1999-01-01"}, "before 1999-01-01."),
        ({"categories": ["None"]}, "of items in None."),
        ({"exclude_items": ["a", "b", "c"]}, "without the excluded items."),
        ({"exclude_users": [f"u{user}" for user in range(6)]}, "without the excluded users."),
        ({"sample_users": 0.01}, "when 0 of the users are drawn."),
        ({"minimum_rating": 6}, "with a rating of 6 or more."),
        ({"core": 9}, "must have 9 interactions."),
    ],
)
def test_filters_that_leave_nothing_are_refused(tmp_path: Path, filters: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError) as caught:
        made(tmp_path, **filters)
    assert caught.value.message.endswith(words)
    assert caught.value.hint
    preview = preview_filters(raw_of(ROWS), FilterSpec.model_validate({"core": 0, **filters}))
    assert (preview.problem, preview.hint) == (caught.value.message, caught.value.hint)
    assert preview.after.interactions == 0
    assert list(tmp_path.iterdir()) == []


def test_times_that_are_none_cannot_be_filtered(tmp_path: Path) -> None:
    raw = raw_of(ROWS, "position")
    with pytest.raises(DataError, match=r"filters\.after cannot be used: the data have no real times"):
        prepare(raw, FilterSpec(core=0, after="2020-01-02"), tmp_path / "v")


filters_drawn = st.fixed_dictionaries(
    {"core": st.integers(0, 3)},
    optional={
        "minimum_rating": st.sampled_from([1, 2.5, 5]),
        "after": st.sampled_from(["2020-01-01", "2020-01-02"]),
        "before": st.sampled_from(["2020-01-03", "2020-01-09"]),
        "categories": st.sampled_from([["Books"], ["Maps", "Toys, Games"]]),
        "without_categories": st.just(["Maps"]),
        "exclude_users": st.sampled_from([["u1"], ["u2", "u0", "gone"]]),
        "exclude_items": st.sampled_from([["a"], ["d", "b"]]),
        "sample_users": st.sampled_from([0.2, 0.7, 2, 3]),
        "sample_seed": st.integers(0, 5),
    },
)
rows_drawn = st.lists(
    st.tuples(
        st.sampled_from(["u0", "u1", "u2", "u3"]),
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 9).map(lambda half: START + half * DAY // 2),
        st.sampled_from([1.0, 2.0, 5.0, None]),
    ),
    min_size=1,
    max_size=40,
)


@given(rows_drawn, filters_drawn)
@settings(max_examples=60, deadline=None)
def test_the_preview_says_what_prepare_does(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], filters: dict[str, Any]
) -> None:
    raw, spec = raw_of(rows), FilterSpec.model_validate(filters)
    preview = preview_filters(CodedRows.of(raw), spec)
    folder = tmp_path_factory.mktemp("made") / "v"
    if preview.problem:
        with pytest.raises(DataError) as caught:
            prepare(raw, spec, folder)
        assert (preview.problem, preview.hint) == (caught.value.message, caught.value.hint)
        return
    version = prepare(raw, spec, folder)
    assert preview.after == version.counts
    assert [step.step for step in preview.steps] == version.manifest.filters
    assert preview.notices == version.manifest.notices
    assert preview.before.interactions == len(rows)


@given(filters_drawn)
@settings(max_examples=30, deadline=None)
def test_a_version_is_previewed_as_its_raw_data(tmp_path_factory: pytest.TempPathFactory, filters: dict[str, Any]) -> None:
    spec = FilterSpec.model_validate(filters)
    version = made(tmp_path_factory.mktemp("made"))
    of_version, of_raw = preview_filters(version.path, spec), preview_filters(raw_of(ROWS), spec)
    assert of_version == of_raw


def test_a_preview_writes_nothing(tmp_path: Path) -> None:
    version = made(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    preview_filters(version.path, FilterSpec(core=2))
    assert sorted(tmp_path.rglob("*")) == before
