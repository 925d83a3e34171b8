"""The table of faults tells what survived and what did not."""

import json
from pathlib import Path

import pytest

from tests.faults.record import Faults, chance


def test_a_fault_that_is_not_survived_stands_in_the_table(tmp_path: Path) -> None:
    faults = Faults()
    with faults.inject("a kill", 3) as case:
        case.lost = "2 steps"
    with pytest.raises(AssertionError), faults.inject("a kill") as case:
        raise AssertionError
    head, line = faults.table()
    assert head.split("  ")[0] == "fault"
    assert line.split() == ["a", "kill", "4", "3", "0.0", "s", "2", "steps,", "none"]
    faults.write(tmp_path / "faults.jsonl")
    told = [json.loads(text) for text in (tmp_path / "faults.jsonl").read_text().splitlines()]
    assert [case["survived"] for case in told] == [True, False]


def test_chance_is_the_same_for_the_same_name() -> None:
    assert chance("a").random() == chance("a").random() != chance("b").random()
