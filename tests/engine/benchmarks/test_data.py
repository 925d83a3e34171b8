from pathlib import Path

from engine.benchmarks.data import long_histories


def test_every_history_is_long_enough(tmp_path: Path) -> None:
    version = long_histories(tmp_path, users=5, items=50, length=40)
    assert len(version.users) == 5
    assert version.counts.items == 50
    assert int(version.sequences().lengths.min()) >= 40
