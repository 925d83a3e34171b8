import random
from collections import Counter
from pathlib import Path

import pytest

from tests.engine.data.leakage.made import ITEMS, TEST_AT, checks, clean_rows, found, made, report

ROWS = clean_rows()
ALL = Counter(item for _, item, _ in ROWS)
TRAINED = Counter(item for _, item, time in ROWS if time < TEST_AT)
TESTED = Counter(item for _, item, time in ROWS if time == TEST_AT + 2)


def test_a_column_that_counts_the_test_too(tmp_path: Path) -> None:
    told = report(made(tmp_path / "v", columns={"n": {item: str(count) for item, count in ALL.items()}}))
    finding = found(told, "counts-in-column")
    assert (finding.column, finding.severity) == ("n", "serious")
    assert finding.count == finding.of > 20
    assert told.serious == [finding]


def test_a_column_that_counts_the_training_only_is_nothing(tmp_path: Path) -> None:
    told = report(made(tmp_path / "v", columns={"n": {item: str(count) for item, count in TRAINED.items()}}))
    assert told.findings == []


def test_a_column_that_goes_with_the_test(tmp_path: Path) -> None:
    draw = random.Random(1)
    cells = {item: f"{TESTED[item] * 10 + draw.random():.3f}" for item in ALL}
    finding = found(report(made(tmp_path / "v", columns={"heat": cells})), "correlated-column")
    assert (finding.column, finding.severity, finding.count) == ("heat", "serious", ITEMS)


def test_noise_is_nothing(tmp_path: Path) -> None:
    draw = random.Random(2)
    assert report(made(tmp_path / "v", columns={"weight": {item: f"{draw.random():.3f}" for item in ALL}})).findings == []


@pytest.mark.parametrize("name", ["avg_rating", "averageRating", "Sales Rank", "num-reviews", "popularity", "views"])
def test_columns_that_look_like_summaries(tmp_path: Path, name: str) -> None:
    draw = random.Random(2)
    told = report(made(tmp_path / "v", columns={name: {item: f"{draw.random():.3f}" for item in ALL}}))
    finding = found(told, "summary-in-column")
    assert (finding.column, finding.severity) == (name, "warning")


@pytest.mark.parametrize("name", ["brand", "country", "operating", "preview"])
def test_names_that_only_hold_such_a_word_are_nothing(tmp_path: Path, name: str) -> None:
    draw = random.Random(2)
    assert not checks(report(made(tmp_path / "v", columns={name: {item: f"{draw.random():.3f}" for item in ALL}})))


@pytest.mark.parametrize(("name", "values"), [("x", ("train", "test")), ("is_test", ("0", "1"))])
def test_marks_of_a_split(tmp_path: Path, name: str, values: tuple[str, str]) -> None:
    cells = {item: values[index % 2] + ("" if values[0] == "train" else "x") for index, item in enumerate(ALL)}
    finding = found(report(made(tmp_path / "v", columns={name: cells})), "split-in-column")
    assert (finding.column, finding.severity) == (name, "warning")
