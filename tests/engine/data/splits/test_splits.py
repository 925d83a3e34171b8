"""What holds for every kind."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from engine.data.specs import SplitSpec
from engine.data.split import leave_one_out
from engine.data.splits import SPLITS, make_split
from engine.data.version import Version
from engine.errors import DataError
from tests.engine.data.builders import version_of
from tests.engine.data.test_split import ROWS


def test_the_spec_offers_all_kinds() -> None:
    assert set(get_args(SplitSpec.model_fields["kind"].annotation)) == set(SPLITS.names())


def test_leave_one_out_has_the_hashes_that_stored_results_name(planted: Version, tmp_path: Path) -> None:
    version = version_of(ROWS, tmp_path / "v")
    split = make_split(version, SplitSpec())
    assert version.hash == "7d639d01ff774c2074cb236d1371f1034fc79bf75e80b3d64f677f6d8b236801"
    assert split.hash == "5ccd76d21ccaa39a0d9ef8d8d82986abf08ddfb786b9973d3c387e09f84a6257"
    assert split.hash == leave_one_out(version).hash
    assert planted.hash == "f6808aa26146fa61fa8b87235526294e5d8a012f0cef7a42e863a102f5fa9d2d"
    assert leave_one_out(planted).hash == "64c13e10e3d134e7b6d9a94cf8c01f396e61232896bc0a62157bda29f165d8da"
    assert (split.name, split.notices) == ("leave-one-out", ())


KINDS: list[dict[str, Any]] = [{"kind": "leave-one-out"}, {"kind": "temporal"}, {"kind": "user-ratio"}]


@pytest.mark.parametrize("settings", KINDS)
def test_no_target_is_in_the_training_rows_at_its_place(settings: dict[str, Any], planted: Version) -> None:
    split = make_split(planted, SplitSpec.model_validate(settings))
    whole = planted.sequences()
    for part in ("valid", "test"):
        users, targets = split.targets(part)  # type: ignore[arg-type]
        assert len(users)
        for user, target in zip(users.tolist(), targets.tolist(), strict=True):
            history = split.history(user, part)  # type: ignore[arg-type]
            assert len(history)
            # the sequence goes: history, target; training rows are a beginning of the history
            assert whole[user][: len(history)].tolist() == history.tolist()
            assert whole[user][len(history)] == target
            assert len(split.train[user]) <= len(history)
            assert split.train[user].tolist() == history[: len(split.train[user])].tolist()


@pytest.mark.parametrize("settings", KINDS)
def test_training_rows_are_fewer_than_all(settings: dict[str, Any], planted: Version) -> None:
    split = make_split(planted, SplitSpec.model_validate(settings))
    counts = np.bincount(split.train.items, minlength=planted.counts.items)
    everything = np.bincount(planted.item, minlength=planted.counts.items)
    assert (counts <= everything).all()
    assert counts.sum() < everything.sum()


@pytest.mark.parametrize("settings", KINDS)
def test_one_user_is_refused(settings: dict[str, Any], planted: Version) -> None:
    alone = planted.user == 0
    columns = {name: getattr(planted, name)[alone] for name in ("user", "item", "timestamp", "weight")}
    version = replace(planted, users=planted.users[:1], **columns)
    with pytest.raises(DataError, match="1 user; at least 2"):
        make_split(version, SplitSpec.model_validate(settings))
