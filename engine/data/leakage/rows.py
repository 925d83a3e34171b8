"""Leaks among the interactions: unseen items and users, pairs on both sides, filters that counted the test."""

from collections.abc import Iterator

import numpy as np

from engine.data.leakage.model import SHOWN, Finding, plural, share
from engine.data.leakage.sides import Sides

_MANY = 0.05
"""From this share of the targets on, what is only worth knowing becomes a warning."""
_REPEATS = 0.05
"""From this share of repeats on, coming back to the same item is how people behave in this data, and no mistake."""
_SAME_SERIOUS = 0.01


def unseen(sides: Sides) -> Iterator[Finding | str]:
    """Items and users of the test that training never sees."""
    users, targets = sides.split.targets("test")
    cold = sides.training_counts()[targets] == 0
    if cold.any():
        items = np.unique(targets[cold])
        hit = int(cold.sum())
        yield Finding(
            check="unseen-items",
            severity="warning" if hit >= _MANY * len(targets) else "info",
            title=f"{plural(len(items), 'item')} of the test {'is' if len(items) == 1 else 'are'} in no training row; "
            f"{plural(hit, 'target')} ({share(hit, len(targets))}) are such.",
            text="Models that only count or learn item ids cannot rank these items; models that read texts can. The metrics "
            "of the two kinds differ by this too.",
            advice="Look at the slice of new items beside the whole, or filter by a k-core.",
            count=hit,
            of=len(targets),
            examples=[sides.version.item_ids[item] for item in items[:SHOWN]],
        )
    else:
        yield "Every item of the test is in a training row."
    strangers = users[sides.split.train.lengths[users] == 0]
    if len(strangers):
        yield Finding(
            check="unseen-users",
            severity="info",
            title=f"{plural(len(strangers), 'user')} of the test ({share(len(strangers), len(users))}) "
            f"{'has' if len(strangers) == 1 else 'have'} no training row.",
            text="They are known by their history alone, which a model sees only when it is asked. Models with a vector for each "
            "user have none for them.",
            advice="Nothing, if the split is meant to hold users out; else give them earlier interactions.",
            count=len(strangers),
            of=len(users),
            examples=[sides.version.users[user] for user in strangers[:SHOWN]],
        )
    else:
        yield "Every user of the test has training rows."


def both_sides(sides: Sides) -> Iterator[Finding | str]:
    """Targets that training has already: the very interaction, or the same user and item at another time."""
    version, split = sides.version, sides.split
    pair = np.zeros(len(version.users), bool)
    same = np.zeros(len(version.users), bool)
    held = 0
    for rows, targets in ((sides.test, split.test), (sides.valid, split.valid)):
        held += int((targets >= 0).sum())
        trained = np.flatnonzero(sides.train & (version.item == targets[version.user]))
        users = version.user[trained]
        pair[users] = True
        known = trained[rows[users] >= 0]
        at = version.timestamp[rows[version.user[known]]]
        same[version.user[known[version.timestamp[known] == at]]] = True
    if same.any():
        yield _same_interaction(sides, np.flatnonzero(same), held)
    else:
        yield "No interaction (user, item and time) is both trained on and a target."
    if pair.any():
        yield _same_pair(sides, np.flatnonzero(pair), held)
    else:
        yield "No user has trained on the item that is their target."


def _same_interaction(sides: Sides, users: np.ndarray, held: int) -> Finding:
    return Finding(
        check="same-interaction",
        severity="serious" if len(users) >= _SAME_SERIOUS * held else "warning",
        title=f"The targets of {plural(len(users), 'user')} ({share(len(users), held)} of all targets) are trained on: the same "
        "user, item and time.",
        text="The row stands in the data more than once, with another rating perhaps. What is asked in the test was told in "
        "training.",
        advice="Remove the repeated rows from the source and upload it again.",
        count=len(users),
        of=held,
        examples=[sides.version.users[user] for user in users[:SHOWN]],
    )


def _same_pair(sides: Sides, users: np.ndarray, held: int) -> Finding:
    usual = sides.version.manifest.statistics.repeat_share >= _REPEATS
    return Finding(
        check="same-pair",
        severity="info" if usual or len(users) < _SAME_SERIOUS * held else "warning",
        title=f"{plural(len(users), 'user')} ({share(len(users), held)} of all targets) trained on the item that is their "
        "target, at another time.",
        text="People come back to the same items in this data, so a target may be one of the history. "
        if usual
        else "Repeats are rare in this data: such targets are easy for models that repeat the history, and lost to rankings "
        "without seen items.",
        advice="Keep evaluation.seen on auto: it decides by the share of repeats whether items of the history stay in the "
        "ranking.",
        count=len(users),
        of=held,
        examples=[sides.version.users[user] for user in users[:SHOWN]],
    )


def counted_over_test(sides: Sides) -> Iterator[Finding | str]:
    """Filters that counted the rows of the test too, and whom they let in by that."""
    cores = [step.settings.get("core", 0) for step in sides.version.manifest.filters if step.name == "k-core"]
    core = max((number for number in cores if isinstance(number, int)), default=0)
    counts = sides.training_counts()
    below = np.flatnonzero((counts < core) & (np.bincount(sides.version.item, minlength=len(counts)) >= core))
    if not core or not len(below):
        yield "No item is in the catalogue only because of its test rows."
        return
    yield Finding(
        check="popularity-over-test",
        severity="info",
        title=f"{plural(len(below), 'item')} ({share(len(below), len(counts))}) passed the {core}-core with the help of "
        "held-out rows.",
        text="The k-core counted all rows, those of the test too, as it does in nearly every published result. So the catalogue "
        "itself knows a little about the test: items near the limit are there because somebody's target is among them.",
        advice="Nothing, for comparisons within this version. Numbers of data filtered otherwise cannot be set beside these.",
        count=len(below),
        of=len(counts),
        examples=[sides.version.item_ids[item] for item in below[:SHOWN]],
    )
