from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.blend.counts import LEFT_TO_POPULARITY, NAMES, NEIGHBOURS, REPEATS, RULES, TRANSITIONS, counted_names, counted_parts
from engine.data.split import leave_one_out
from engine.data.version import Version
from engine.methods.item_knn.method import Implementation as ItemKnn
from engine.methods.markov.method import Implementation as Markov
from engine.spec import RunSpec
from tests.engine.blend.build import context
from tests.engine.conftest import write_version


def histories(version: Version) -> list[np.ndarray]:  # type: ignore[type-arg]
    split = leave_one_out(version)
    users, _ = split.targets("test")
    return [split.history(int(user), "test") for user in users[:40]]


KEEP = {"evaluation.seen": "keep"}
REMOVE = {"evaluation.seen": "remove"}


@pytest.mark.parametrize("name", [*NAMES, *REPEATS])
def test_each_is_the_logarithm_of_a_distribution(name: str, planted: Version, tmp_path: Path) -> None:
    about = context(planted, tmp_path, KEEP)
    parts = dict(zip(counted_names(about), counted_parts(about)(histories(planted), None), strict=True))
    assert parts[name].shape == (40, planted.counts.items)
    torch.testing.assert_close(parts[name].exp().sum(dim=1), torch.ones(40), atol=1e-5, rtol=0)


def test_they_are_the_models_that_their_names_say(planted: Version, tmp_path: Path) -> None:
    about, shown = context(planted, tmp_path, REMOVE), histories(planted)
    markov, rules, mixed, popularity = (part.exp() for part in counted_parts(about)(shown, None))

    def alone(kind: type[Markov] | type[ItemKnn], settings: object) -> Tensor:
        spec: RunSpec = about.spec.model_copy(update={"method": settings})
        model = kind(type(about)(spec, planted, about.split, about.device, tmp_path, about.report))
        model.fit_counts()
        return model.score(shown)

    torch.testing.assert_close(markov, alone(Markov, TRANSITIONS), atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(rules, alone(Markov, RULES), atol=1e-6, rtol=1e-4)
    alike = alone(ItemKnn, NEIGHBOURS)
    assert (alike.sum(dim=1) > 0).all()
    wanted = (1 - LEFT_TO_POPULARITY) * alike / alike.sum(dim=1, keepdim=True) + LEFT_TO_POPULARITY * popularity
    torch.testing.assert_close(mixed, wanted, atol=1e-6, rtol=1e-4)
    counts = np.bincount(leave_one_out(planted).train.items, minlength=planted.counts.items) + 1
    np.testing.assert_allclose(popularity[0].numpy(), counts / counts.sum(), rtol=1e-5)
    assert torch.equal(popularity, popularity[:1].expand_as(popularity))


def rows(held: str) -> Iterator[tuple[str, str, int]]:
    """Users who go round the items; their last two are ``held`` for all."""
    for index, user in enumerate("rstuvw"):
        for time in range(4):
            yield user, "abcdef"[(index + time) % 6], time
        for time, item in enumerate(held):
            yield user, item, 4 + time


def test_they_never_see_validation_or_test_rows(tmp_path: Path) -> None:
    """Two versions that differ in nothing but what is held out give the same to the last bit."""
    versions = [write_version(tmp_path / held, list(rows(held))) for held in ("ab", "fd")]
    assert versions[0].item_ids == versions[1].item_ids
    shown = [np.array([0, 3], dtype=np.int32), np.array([5], dtype=np.int32)]
    one, other = (counted_parts(context(version, tmp_path, KEEP))(shown, None) for version in versions)
    for name, first, second in zip((*NAMES, *REPEATS), one, other, strict=True):
        assert torch.equal(first, second), name


def test_an_item_that_training_never_saw(tmp_path: Path) -> None:
    """It has no neighbours and no followers: what is left is popularity, and no chance is 0."""
    version = write_version(tmp_path, [*rows("ab"), ("r", "z", 9)])
    unseen = version.item_ids.index("z")
    assert unseen not in leave_one_out(version).train.items
    parts = counted_parts(context(version, tmp_path, REMOVE))([np.array([unseen], dtype=np.int32)], None)
    for name, part in zip(NAMES, parts, strict=True):
        assert torch.isfinite(part).all(), name
        torch.testing.assert_close(part.exp().sum(), torch.tensor(1.0), atol=1e-5, rtol=0, msg=name)
    torch.testing.assert_close(parts[NAMES.index("item-knn")], parts[NAMES.index("popularity")])


def test_the_batch_that_a_history_is_scored_in_changes_nothing(planted: Version, tmp_path: Path) -> None:
    parts, shown = counted_parts(context(planted, tmp_path)), histories(planted)
    for together, alone in zip(parts(shown, None), parts(shown[7:8], None), strict=True):
        torch.testing.assert_close(together[7], alone[0])


def test_repeats_are_the_own_items_and_only_where_they_may_be_ranked(tmp_path: Path) -> None:
    version = write_version(tmp_path, list(rows("ab")))
    assert counted_names(context(version, tmp_path, REMOVE)) == NAMES
    about = context(version, tmp_path, KEEP)
    assert counted_names(about) == (*NAMES, *REPEATS)
    *_, popularity, recent, ever = (part.exp()[0] for part in counted_parts(about)([np.array([3, 1, 3], dtype=np.int32)], None))
    for found, half_life in ((recent, 2.0), (ever, 200.0)):
        decay = 0.5 ** (1 / half_life)
        shares = torch.zeros(version.counts.items)
        shares[3], shares[1] = 1 + decay**2, decay
        wanted = (1 - LEFT_TO_POPULARITY) * shares / shares.sum() + LEFT_TO_POPULARITY * popularity
        torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-4)
