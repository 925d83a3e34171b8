from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.data.leakage.sides import Sides
from engine.data.sequences import Sequences
from engine.data.split import leave_one_out
from tests.engine.data.leakage.made import made


def test_training_rows_are_found_in_any_order_and_as_often_as_they_are_trained_on(tmp_path: Path) -> None:
    version = made(tmp_path / "v", [("a", "x", 1), ("a", "y", 2), ("a", "x", 3), ("a", "z", 4), ("b", "x", 1), ("b", "y", 2)])
    split = leave_one_out(version)
    # User a trains on the last row and on one of its two x; b on its second row.
    train = Sequences(np.array([0, 2, 3]), np.array([2, 0, 1], np.int32))
    held = np.array([0, -1], np.int32)
    sides = Sides.of(version, replace(split, train=train, test=held, valid=np.array([1, 0], np.int32)))
    assert sides.train.tolist() == [True, False, False, True, False, True]
    assert (sides.test.tolist(), sides.valid.tolist()) == ([2, -1], [1, 4])
