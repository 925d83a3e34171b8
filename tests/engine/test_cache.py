import os
import time
from pathlib import Path

import pytest

from engine.cache import LIMIT, cached, make_room
from engine.errors import UserError

DAY = 24 * 3600


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DARECLAB_CACHE", str(tmp_path))
    monkeypatch.setenv(LIMIT, "2.5e-6")  # 2,500 bytes
    return tmp_path


def make(kind: str, name: str, days_ago: float, folder: bool = False) -> Path:
    entry = cached(kind, name)
    file = entry / "inner" / "weights" if folder else entry
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x" * 1000)
    os.utime(entry, (time.time() - days_ago * DAY,) * 2)
    return entry


def test_what_was_used_longest_ago_goes_until_the_rest_fits() -> None:
    old, middle = make("stages", "old", 9, folder=True), make("text_vectors", "middle", 5)
    new, unused = make("nano", "new", 2, folder=True), make("stages", "unused", 7)
    assert make_room() == [old, unused]
    assert [entry.exists() for entry in (old, unused, middle, new)] == [False, False, True, True]
    assert make_room() == []


def test_what_was_used_within_a_day_stays() -> None:
    entries = [make("stages", str(number), number / 10) for number in range(5)]
    assert make_room() == []
    assert all(entry.exists() for entry in entries)


def test_looking_an_entry_up_is_a_use() -> None:
    first, second, third = (make("stages", str(number), 9 - number) for number in range(3))
    assert cached("stages", "0") == first
    assert make_room() == [second]
    assert third.exists()


def test_a_limit_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT, "much")
    with pytest.raises(UserError, match="got 'much', must be a number above 0"):
        make_room()
