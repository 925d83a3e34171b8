from pathlib import Path

from engine.presets import get_preset
from engine.run import run
from tests.engine.conftest import write_version


def test_counts_training_rows_only(tmp_path: Path) -> None:
    """Item x is the most frequent of all rows, but only by its held-out rows: counting those would put it first."""
    rows = []
    for user in range(6):
        rows += [
            (f"u{user}", item, time) for time, item in enumerate(["a", "b" if user % 2 else "c", "x" if user < 3 else "y", "x"])
        ]
        if user < 3:
            rows[-1] = (f"u{user}", "y", 3)
    version = write_version(tmp_path, rows)
    result = run(get_preset("popularity").spec({"evaluation.seen": "keep"}), version, tmp_path / "run", lambda event: None)
    first = result.samples[0].recommended
    assert first[0].id == "a"
    scores = {item.id: item.score for item in first}
    assert scores == {"a": 6.0, "b": 3.0, "c": 3.0, "x": 0.0, "y": 0.0}  # with held-out rows x and y would have 6 each
    assert result.test["hr@1"] == 0.0


def test_repeats_in_training_count(tmp_path: Path) -> None:
    rows = [(user, item, time) for user in "uv" for time, item in enumerate("aabcd" if user == "u" else "bacd")]
    version = write_version(tmp_path, rows)
    result = run(get_preset("popularity").spec({"evaluation.seen": "keep"}), version, tmp_path / "run", lambda event: None)
    scores = {item.id: item.score for item in result.samples[0].recommended}
    assert scores == {"a": 3.0, "b": 2.0, "c": 0.0, "d": 0.0}
