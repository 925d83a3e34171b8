from itertools import pairwise

from tests.webapp.datasets.profiles import made_profile
from webapp.datasets.charts import HEIGHT, WIDTH, bars, profile_charts


def test_each_chart_has_a_table_with_the_same_values() -> None:
    charts = profile_charts(made_profile())
    assert [one["title"] for one in charts] == [
        "Sequence lengths",
        "Popularity curve",
        "Items by popularity",
        "Interactions over time",
        "Repeats, by how long ago",
        "Title lengths",
    ]
    for one in charts:
        assert one["words"].endswith(".")
        assert len(one["head"]) == 2
        if "bars" in one["chart"]:
            assert [bar["label"] for bar in one["chart"]["bars"]] == [f"{label}: {value}" for label, value in one["rows"]]


def test_without_times_and_titles_there_are_no_such_charts() -> None:
    titles = {one["title"] for one in profile_charts(made_profile(time="position", titles=False))}
    assert not titles & {"Interactions over time", "Title lengths"}


def test_bars_stay_inside_and_labels_do_not_overlap() -> None:
    chart = bars([f"2020-{number:02}" for number in range(60)], list(range(60)), "month")
    assert all(bar["x"] >= 0 and bar["x"] + bar["width"] <= WIDTH and bar["y"] >= 0 for bar in chart["bars"])
    assert all(abs(bar["y"] + bar["height"] - chart["bottom"]) < 0.2 for bar in chart["bars"])
    places = [x for x, _ in chart["x"]]
    assert 2 <= len(places) <= 8
    assert min(right - left for left, right in pairwise(places)) >= 49
    assert chart["bars"][0]["height"] == 0 < chart["bars"][59]["height"] <= HEIGHT


def test_nothing_but_zeros_can_be_drawn() -> None:
    assert [bar["height"] for bar in bars(["0"], [0], "x")["bars"]] == [0]
