from pathlib import Path

import numpy as np
import pytest

from engine.data.leakage.clock import spearman
from tests.engine.data.leakage.made import TEST_AT, checks, clean_rows, found, made, report


def test_training_rows_of_others_after_a_target(tmp_path: Path) -> None:
    # Those who came later train after the others were tested; the others' 55 targets lie before that.
    users = sorted({user for user, _, _ in clean_rows()})
    late = set(users[-5:])
    rows = [(user, item, time + 2 * TEST_AT * (user in late)) for user, item, time in clean_rows()]
    told = report(made(tmp_path / "v", rows))
    for check in ("future-training-test", "future-training-validation"):
        finding = found(told, check)
        assert (finding.count, finding.of, finding.severity) == (55, 60, "warning")
        assert set(finding.examples) <= set(users) - late
        assert "global temporal split" in finding.advice
    # 5 of 60 users train later, and of their own targets nothing is later: 55/60 of 5/60 of the rows.
    assert "8 % of the training rows" in found(told, "future-training-test").text


def test_own_training_rows_are_not_those_of_others(tmp_path: Path) -> None:
    rows = [("a", "x", 5), ("a", "y", 6), ("a", "z", 7), ("b", "x", 1), ("b", "y", 20), ("b", "z", 21)]
    assert "future-training-test" in checks(report(made(tmp_path / "v", [*rows, ("c", "x", 9)])))
    assert "future-training-test" not in checks(report(made(tmp_path / "w", rows)))


@pytest.mark.parametrize(("sign", "word"), [(1, "rise"), (-1, "fall")])
def test_ids_that_encode_order(tmp_path: Path, sign: int, word: str) -> None:
    first: dict[str, int] = {}
    for _, item, time in sorted(clean_rows(), key=lambda row: row[2]):
        first.setdefault(item, time)
    order = {item: 500 + sign * place for place, item in enumerate(first)}
    told = report(made(tmp_path / "v", [(user, f"p-{order[item]}", time) for user, item, time in clean_rows()]))
    finding = found(told, "order-in-item-ids")
    assert finding.severity == "warning"
    assert f"{word} with the time" in finding.title
    assert "order-in-user-ids" not in checks(told)


def test_user_ids_that_encode_order(tmp_path: Path) -> None:
    first = {user: time for user, _, time in sorted(clean_rows(), key=lambda row: -row[2])}
    order = {user: str(place) for place, user in enumerate(sorted(first, key=first.__getitem__))}
    told = report(made(tmp_path / "v", [(order[user], item, time) for user, item, time in clean_rows()]))
    assert checks(told) == ["order-in-user-ids"]


def test_rank_correlation() -> None:
    assert spearman(np.array([1, 2, 3, 4]), np.array([10, 20, 25, 99])) == pytest.approx(1)
    assert spearman(np.array([1, 2, 3, 4]), np.array([4, 3, 2, 1])) == pytest.approx(-1)
    assert spearman(np.array([1, 1, 1]), np.array([1, 2, 3])) == 0
    assert spearman(np.array([1, 2, 2, 3]), np.array([1, 2, 3, 4])) == pytest.approx(0.9486833)
