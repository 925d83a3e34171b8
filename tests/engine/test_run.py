from pathlib import Path

import numpy as np
import pytest

from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.version import Version
from engine.errors import DataError, UserError
from engine.events import Event, ProgressEvent
from engine.presets import get_preset
from engine.run import run
from engine.spec import FilterSpec
from tests.engine.conftest import write_version
from tests.engine.methods.runs import small_spec
from tests.engine.methods.test_behaviour import LEARNING


def test_shuffled_targets_fall_to_chance(planted: Version, tmp_path: Path) -> None:
    """The same users, with the items of all histories dealt out at random: nothing is left to learn."""
    generator = np.random.default_rng(0)
    items = generator.permutation(np.arange(len(planted.item)) % planted.counts.items)
    rows = [
        (planted.users[user], f"i{item}", time) for user, item, time in zip(planted.user, items, range(len(items)), strict=True)
    ]
    shuffled = write_version(tmp_path, rows)
    spec = small_spec("sasrec", {**LEARNING, "evaluation.seen": "keep"})
    learned = run(spec, planted, tmp_path / "learned", lambda event: None)
    chance = run(spec, shuffled, tmp_path / "chance", lambda event: None)
    expected = 10 / shuffled.counts.items
    error = (expected * (1 - expected) / chance.users_evaluated) ** 0.5
    assert abs(chance.test["hr@10"] - expected) < 4 * error
    assert learned.test["hr@10"] > expected + 8 * error


def test_repeat_purchases_keep_seen_items_by_themselves(tmp_path: Path) -> None:
    rows = [(user, item, time) for user in "uvw" for time, item in enumerate("ababab")]
    kept = run(get_preset("popularity").spec(), write_version(tmp_path, rows), tmp_path / "run", lambda event: None)
    assert kept.protocol.seen == "keep"
    with pytest.raises(UserError, match="holds another run"):
        run(
            get_preset("popularity").spec({"evaluation.seen": "remove"}),
            write_version(tmp_path / "b", rows),
            tmp_path / "run",
            print,
        )


def test_too_little_data_is_the_users_mistake(tmp_path: Path) -> None:
    rows = [(user, item, time) for user in "uv" for time, item in enumerate("abc")]
    version = write_version(tmp_path, rows)
    with pytest.raises(DataError, match="2 training interactions"):
        run(small_spec("sasrec"), version, tmp_path / "run", lambda event: None)


def test_popularity_on_real_data_gives_the_known_numbers(shared_data: Path, tmp_path: Path) -> None:
    version = prepare(read_raw(shared_data / "ml-100k"), FilterSpec(core=5), tmp_path / "version")
    result = run(get_preset("popularity").spec(), version, tmp_path / "run", lambda event: None)
    assert result.data.model_dump() == {"users": 943, "items": 1349, "interactions": 99287}
    assert result.users_evaluated == 943
    assert result.protocol.seen == "remove"
    assert result.test["hr@10"] == pytest.approx(0.087, abs=5e-4)
    assert result.test["ndcg@10"] == pytest.approx(0.0445, abs=5e-5)


def test_test_targets_are_left_alone_where_that_is_asked(planted: Version, tmp_path: Path) -> None:
    base = {"training.epochs": 2}
    whole = run(small_spec("sasrec", base), planted, tmp_path / "whole", lambda event: None)
    phases: list[str] = []

    def tell(event: Event) -> None:
        if isinstance(event, ProgressEvent):
            phases.append(event.phase)

    chosen = run(small_spec("sasrec", {**base, "evaluation.test": False}), planted, tmp_path / "chosen", tell)
    assert chosen.valid == whole.valid
    assert (chosen.test, chosen.slices, chosen.samples) == ({}, [], [])
    assert chosen.users_evaluated == whole.users_evaluated
    assert not (tmp_path / "chosen" / "ranks_test.parquet").exists()
    assert "evaluating validation" in phases
    assert "evaluating test" not in phases
