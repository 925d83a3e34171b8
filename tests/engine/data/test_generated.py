from pathlib import Path

import numpy as np
import pytest

from engine.data.generated import generate
from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.split import leave_one_out
from engine.errors import UserError
from engine.spec import FilterSpec


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        generate(tmp_path / name, users=20, items=40, seed=seed)
    for file in ("interactions.csv", "items.csv"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
        assert (tmp_path / "a" / file).read_bytes() != (tmp_path / "c" / file).read_bytes()


def test_what_comes_next_can_be_learnt_from_the_order_and_the_titles(tmp_path: Path) -> None:
    generate(tmp_path / "raw")
    version = prepare(read_raw(tmp_path / "raw"), FilterSpec(core=5), tmp_path / "version")
    assert (version.counts.users, version.counts.items) == (600, 240)
    assert version.manifest.notices == []
    split = leave_one_out(version)
    users, targets = split.targets("test")
    last = [version.titles[split.history(int(user), "test")[-1]] for user in users]
    follows = [_next_title(title) == version.titles[target] for title, target in zip(last, targets, strict=True)]
    popular = np.argsort(-np.bincount(split.train.items, minlength=240))[:10]
    assert np.mean(follows) > 0.5
    assert np.isin(targets, popular).mean() < 0.25


def test_few_items_are_far_more_popular_than_the_rest(tmp_path: Path) -> None:
    generate(tmp_path / "raw", seed=1)
    version = prepare(read_raw(tmp_path / "raw"), FilterSpec(core=0), tmp_path / "version")
    counts = np.sort(np.bincount(version.item, minlength=240))[::-1]
    assert counts[:24].sum() > 0.25 * counts.sum()
    assert version.manifest.statistics.shortest >= 15
    assert version.manifest.statistics.repeat_share == 0


def test_other_files_are_not_overwritten_and_sizes_are_checked(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("mine")
    with pytest.raises(UserError, match="holds something else"):
        generate(tmp_path, users=5, items=40)
    assert [entry.name for entry in tmp_path.iterdir()] == ["items.csv"]
    with pytest.raises(ValueError, match="must be 2 and 40 or more"):
        generate(tmp_path, users=1)


def _next_title(title: str) -> str:
    name, part = title.rsplit(" ", 1)
    return f"{name} {int(part) + 1}"
