"""Leaks by time: training rows later than a target, and ids that tell when something first appeared."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.data.leakage.model import SHOWN, Finding, plural, share
from engine.data.leakage.sides import Sides
from engine.data.split import Held

_WARN_FROM = 0.05
_ORDERED, _STRICTLY = 0.5, 0.9
_ENOUGH = 20
"""So few ids say nothing about an order."""
_WORD: dict[Held, str] = {"test": "test", "valid": "validation"}


def future_training(sides: Sides) -> Iterator[Finding | str]:
    """Targets that lie before training rows of other users; call it only where times are real."""
    version = sides.version
    times, owners = version.timestamp[sides.train], version.user[sides.train]
    if not len(times):
        return
    latest = int(times.max())
    owner = int(owners[np.argmax(times)])
    others = times[owners != owner]
    latest_of_others = int(others.max()) if len(others) else np.iinfo(np.int64).min
    ordered = np.sort(times)
    parts: tuple[tuple[Held, npt.NDArray[np.int64]], ...] = (("test", sides.test), ("valid", sides.valid))
    for part, rows in parts:
        users = np.flatnonzero(rows >= 0)
        if not len(users):
            continue
        at = version.timestamp[rows[users]]
        early = at < np.where(users == owner, latest_of_others, latest)
        if early.any():
            later = 1 - float(np.searchsorted(ordered, at, side="right").mean()) / len(ordered)
            yield _early_targets(
                part, [version.users[user] for user in users[early][:SHOWN]], int(early.sum()), len(users), later
            )
        else:
            yield f"No training row of another user is later than a {_WORD[part]} target."


def _early_targets(part: Held, examples: list[str], count: int, of: int, later: float) -> Finding:
    return Finding(
        check=f"future-training-{_WORD[part]}",
        severity="warning" if count >= _WARN_FROM * of else "info",
        title=f"{plural(count, f'{_WORD[part]} target')} ({share(count, of)}) lie before training rows of other users.",
        text=f"Models learn from what others did after the moment that is tested: {100 * later:.0f} % of the training rows "
        "are later than the average target. What became popular only then is known to them, as it would not be in use. Splits "
        "that take the last items of each user, such as leave-one-out, always do this.",
        advice="Compare methods with each other, not with what they would reach in use; a global temporal split avoids it.",
        count=count,
        of=of,
        examples=examples,
    )


def order_in_ids(sides: Sides) -> Iterator[Finding | str]:
    """Ids whose order is the order of first appearance; call it only where times are real."""
    version = sides.version
    for noun, ids, codes in (("item", version.item_ids, version.item), ("user", version.users, version.user)):
        seen, first = _first_times(codes, version.timestamp, len(ids))
        if len(seen) < _ENOUGH:
            continue
        correlation = spearman(_order_of([ids[code] for code in seen]), first)
        if abs(correlation) < _ORDERED:
            yield f"The ids of the {noun}s do not tell when they first appeared."
            continue
        yield Finding(
            check=f"order-in-{noun}-ids",
            severity="warning" if abs(correlation) >= _STRICTLY else "info",
            title=f"The ids of the {len(seen):,} {noun}s {'rise' if correlation > 0 else 'fall'} with the time of their first "
            f"interaction (rank correlation {correlation:.2f}).",
            text=f"Whoever sees the ids knows which {noun}s are new, and in a test that means which are likely. Rankings here "
            "never break ties by id, so only a model that is given the ids as numbers or text could use it.",
            advice="Do not put ids into titles or prompts. To be sure, replace them by random ones and upload the data again.",
            count=len(seen),
            of=len(ids),
        )


def _first_times(
    codes: npt.NDArray[np.int32], times: npt.NDArray[np.int64], number: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    first = np.full(number, np.iinfo(np.int64).max)
    np.minimum.at(first, codes, times)
    seen = np.flatnonzero(first < np.iinfo(np.int64).max)
    return seen, first[seen]


def _order_of(ids: Sequence[str]) -> npt.NDArray[np.float64]:
    """Ids as numbers if they are numbers, or end in one after the same letters; else their places in the order of text."""
    texts = pl.Series(ids, dtype=pl.String)
    numbers = texts.str.extract("([0-9]{1,15})$").cast(pl.Float64)
    if not numbers.null_count() and texts.str.replace("[0-9]{1,15}$", "").n_unique() == 1:
        return numbers.to_numpy()
    return texts.rank("dense").cast(pl.Float64).to_numpy()


def spearman(left: npt.NDArray[np.number], right: npt.NDArray[np.number]) -> float:
    """Rank correlation, -1 to 1, ties at mid-rank; 0 where one side is constant."""
    ranks = [pl.Series(side).rank("average").to_numpy() for side in (left, right)]
    if any(len(side) < 2 or side.min() == side.max() for side in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
