"""Nothing that is trained, counted, chosen or scored knows what comes later.

One generic test over all subjects and splits: other held-out items, the same everything else, and not one bit of what came before
may move. Item texts and the catalogue are given (side information; the protocol says so), and so is whether seen items are
candidates: ``seen: auto`` is a rule of the whole version, resolved once, so the two versions here resolve it alike.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.blend.blend import STATE, Blend
from engine.data.split import Held, seen_rule
from engine.data.splits import make_split
from engine.data.version import Version
from engine.events import MetricEvent
from engine.methods.popularity.method import Implementation as Popularity
from engine.recommend import Recommender
from engine.run import run
from engine.training.checkpoint import load_tensors
from tests.engine.conftest import write_version
from tests.engine.trust.conftest import ITEMS
from tests.engine.trust.subjects import ASKED, ONE_OF_EACH, SHORT, Settings, spec_of
from tests.engine.trust.worlds import BEGIN, Row, item_id, version_of

DAY = 86_400
TEMPORAL: Settings = {"split.kind": "temporal", "split.valid_from": "2017-07-21", "split.test_from": "2017-07-23"}
SPLITS: dict[str, Settings] = {
    "leave-one-out": {},
    "temporal": TEMPORAL,
    "user-ratio": {"split.kind": "user-ratio", "split.valid_users": 0.2, "split.test_users": 0.2},
}
NO_CHOICE: Settings = {"training.epochs": 1, "training.keep_start": False}
"""With one epoch a stage validation has nothing to choose between, so that what is trained may not hang on it at all."""


@pytest.fixture(scope="module")
def disturbed(
    rows: list[Row], plain: Version, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, frozenset[Held]], Version]:
    """From a split and the parts that change to the version in which these have other items; each made once."""
    made: dict[tuple[str, frozenset[Held]], Version] = {}

    def make(split: str, parts: frozenset[Held]) -> Version:
        if (split, parts) not in made:
            other = [
                (user, another(user, item, time, rows) if held_in(split, plain, user, item, time, parts) else item, time)
                for user, item, time in rows
            ]
            made[split, parts] = version_of(tmp_path_factory.mktemp("other"), other, ITEMS)
        return made[split, parts]

    return make


def held_in(split: str, version: Version, user: str, item: str, time: int, parts: frozenset[Held]) -> bool:
    """Whether a row is unknown before ``parts`` begin, told from the split's definition, not by its code.

    Of temporal splits all that came after a moment changes; of user-ratio splits, whose users are drawn, every row of them.
    """
    number = version.users.index(user)
    own = np.flatnonzero(version.user == number)
    if split == "temporal":
        begins = {"valid": BEGIN_OF["valid"], "test": BEGIN_OF["test"]}
        ends = {"valid": BEGIN_OF["test"], "test": 1 << 62}
        return any(begins[part] <= time < ends[part] for part in parts)
    if split == "user-ratio":
        made = make_split(version, spec_of("popularity", SPLITS[split]).split)
        return any(number in made.targets(part)[0] for part in parts)
    last = own[-1] if "test" in parts else -1
    before = own[-2] if "valid" in parts else -1
    code = version.item_ids.index(item)
    return any(row >= 0 and version.item[row] == code and version.timestamp[row] == time for row in (last, before))


BEGIN_OF = {"valid": 1_500_595_200, "test": 1_500_768_000}
"""The two moments of ``TEMPORAL``: 2017-07-21 and 2017-07-23."""


def another(user: str, item: str, time: int, rows: list[Row]) -> str:
    """An item that the user has nowhere, the same each time: no pair is repeated for it."""
    own = {taken for who, taken, _ in rows if who == user}
    free = [item_id(number) for number in range(ITEMS) if item_id(number) not in own]
    return free[(time - BEGIN) // DAY % len(free)]


def trained(subject: str, settings: Settings, version: Version, folder: Path) -> dict[str, Any]:
    """What is known before the test begins: weights, all that validation says, and scores of histories of validation."""
    losses = []

    def tell(event: object) -> None:
        if isinstance(event, MetricEvent) and event.split == "train":
            losses.append(event.values)

    result = run(spec_of(subject, {"training.threads": 1, **settings}), version, folder, tell)
    method = Recommender.open(folder, version).method
    split = make_split(version, spec_of(subject, settings).split)
    users = [user for user in range(len(version.users)) if len(split.train[user])][:20]
    scores = method.score([split.train[user] for user in users], np.array(users, np.int32))
    return {
        "weights": {name: digest(tensor) for name, tensor in load_tensors(folder / "model" / "model.safetensors").items()},
        "losses": losses,
        "valid": result.valid,
        "curve": result.curve,
        "epochs": (result.epochs, result.best_epoch, result.stage_epochs),
        "ranks": digest((folder / "ranks_valid.parquet").read_bytes()),
        "scores": digest(scores),
        "test": result.test,
    }


def digest(content: torch.Tensor | bytes) -> str:
    raw = content if isinstance(content, bytes) else content.contiguous().numpy().tobytes()
    return hashlib.sha256(raw).hexdigest()


def assert_blind_to_the_test(subject: str, settings: Settings, plain: Version, other: Version, folder: Path) -> None:
    """Other test items: weights, choice of epoch, blend, validation and scores stay as they are, to the bit."""
    one, two = (trained(subject, settings, version, folder / name) for name, version in (("plain", plain), ("other", other)))
    one.pop("test"), two.pop("test")
    assert [name for name in one if one[name] != two[name]] == []


def assert_training_is_blind_to_validation(
    subject: str, settings: Settings, plain: Version, other: Version, folder: Path
) -> None:
    """Other held-out items: losses and weights stay as they are, to the bit; only weights of a blend come from validation."""
    settings = {**settings, **NO_CHOICE}
    one, two = (trained(subject, settings, version, folder / name) for name, version in (("plain", plain), ("other", other)))
    assert one["losses"] == two["losses"]
    names = one["weights"].keys() - {STATE}
    assert names == two["weights"].keys() - {STATE}
    assert [name for name in names if one["weights"][name] != two["weights"][name]] == []
    if STATE not in one["weights"]:
        assert one["scores"] == two["scores"]
    assert one["valid"] != two["valid"], "the targets of validation are others, so it must say something else"


ARRANGEMENTS = [
    (subject, split) for split in SPLITS for subject in (ASKED if split == "leave-one-out" else [*ONE_OF_EACH, SHORT[-1]])
]


@pytest.mark.parametrize(("subject", "split"), ARRANGEMENTS)
def test_nothing_before_the_test_knows_its_targets(
    subject: str, split: str, plain: Version, disturbed: Callable[[str, frozenset[Held]], Version], tmp_path: Path
) -> None:
    assert_blind_to_the_test(subject, SPLITS[split], plain, disturbed(split, frozenset({"test"})), tmp_path)


@pytest.mark.parametrize(("subject", "split"), ARRANGEMENTS)
def test_training_knows_nothing_that_is_held_out(
    subject: str, split: str, plain: Version, disturbed: Callable[[str, frozenset[Held]], Version], tmp_path: Path
) -> None:
    both: frozenset[Held] = frozenset({"valid", "test"})
    assert_training_is_blind_to_validation(subject, SPLITS[split], plain, disturbed(split, both), tmp_path)


@pytest.mark.parametrize("split", SPLITS)
def test_the_disturbance_is_one(split: str, plain: Version, disturbed: Callable[[str, frozenset[Held]], Version]) -> None:
    """Every target is another one, what is trained on is the same, and so are catalogue, users and the rule for seen items."""
    settings = spec_of("popularity", SPLITS[split]).split
    other = disturbed(split, frozenset({"valid", "test"}))
    before, after = make_split(plain, settings), make_split(other, settings)
    np.testing.assert_array_equal(before.train.items, after.train.items)
    for part in ("valid", "test"):
        users, targets = before.targets(part)  # type: ignore[arg-type]
        others, moved = after.targets(part)  # type: ignore[arg-type]
        np.testing.assert_array_equal(users, others)
        assert (targets != moved).all()
        assert len(users) >= 8
    assert plain.items.equals(other.items)
    assert plain.users == other.users
    assert seen_rule(plain, "auto") == seen_rule(other, "auto")


def test_a_leak_into_counts_is_found(
    plain: Version, disturbed: Callable[[str, frozenset[Held]], Version], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: popularity counts every row of the version."""

    def count_all(method: Popularity) -> None:
        version = method.context.version
        method.counts = torch.from_numpy(np.bincount(version.item, minlength=version.counts.items).astype(np.float32))

    monkeypatch.setattr(Popularity, "fit_counts", count_all)
    other = disturbed("leave-one-out", frozenset({"test"}))
    with pytest.raises(AssertionError, match="weights"):
        assert_blind_to_the_test("popularity", {}, plain, other, tmp_path)


def test_a_leak_into_the_blend_is_found(
    plain: Version, disturbed: Callable[[str, frozenset[Held]], Version], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: the weights of a blend are fitted on the targets of the test."""
    fit = Blend.fit

    def fit_on_test(blend: Blend, own: Any) -> None:
        split = blend.context.split
        monkeypatch.setattr(type(split), "targets", lambda split, name: (np.flatnonzero(split.test >= 0), split.test))
        fit(blend, own)
        monkeypatch.undo()

    monkeypatch.setattr(Blend, "fit", fit_on_test)
    other = disturbed("leave-one-out", frozenset({"test"}))
    with pytest.raises(AssertionError, match="weights"):
        assert_blind_to_the_test("sasrec members blend", {}, plain, other, tmp_path)


def test_whether_seen_items_stay_is_said_by_the_version_and_not_by_the_split(tmp_path: Path) -> None:
    """The one fact about held-out rows that evaluation knows: how often pairs repeat in the whole version.

    It belongs to the protocol, which is one for all methods and splits of a version, not to what a method learns.
    """
    once = [(f"u{user}", item, time) for user in range(4) for time, item in enumerate("abcd")]
    repeated = [(user, "a" if time == 3 else item, time) for user, item, time in once]
    titles = {item: item for item in "abcd"}
    for rows, wanted in ((once, "remove"), (repeated, "keep")):
        version = write_version(tmp_path / wanted, rows, titles)
        assert seen_rule(version, "auto") == wanted
        for setting in ("remove", "keep"):
            assert seen_rule(version, setting) == setting  # type: ignore[arg-type]
