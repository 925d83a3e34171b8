"""Worlds whose right answer is known, and what each method must make of them.

A method that is registered without a line in ``EXPECTED`` fails a test: whoever adds one says what it ought to know.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.methods import METHODS
from tests.engine.trust.subjects import Settings
from tests.engine.trust.worlds import item_id

Lists = list[list[int]]


@dataclass(frozen=True)
class World:
    """Histories and titles.

    Attributes:
        truth: what the right answer is, in words.
        hits: HR@5 of guessing among the candidates, or of the best blind guess.
    """

    lists: Lists
    titles: dict[str, str]
    truth: str
    hits: float


def ring() -> World:
    """20 items in a ring, 100 users who go round it from anywhere; every item is as popular as any other."""
    generator = np.random.default_rng(1)
    starts = generator.permutation(100) % 20
    lists = [[(int(start) + place) % 20 for place in range(8)] for start in starts]
    return World(lists, plain_titles(20), "the next item of the ring; popularity says nothing", 5 / 13)


def clubs() -> World:
    """12 clubs of 7 items; each of 120 users takes 6 of one club's items in an order of his own: two are left at the test."""
    generator = np.random.default_rng(2)
    lists = [(generator.permutation(7)[:6] + 7 * (user % 12)).tolist() for user in range(120)]
    return World(lists, plain_titles(84), "what is left of the club; the order says nothing", 5 / 79)


def texts() -> World:
    """24 topics of 4 items that are in use and 4 new ones: held-out items are new ones, told by nothing but their titles."""
    generator = np.random.default_rng(3)
    words = topic_words(24)
    titles = {item_id(item): words[item // 8] for item in range(192)}
    lists = []
    for user in range(144):
        topic = user % 24
        old = generator.permutation(4) + 8 * topic
        new = generator.permutation(4)[:2] + 8 * topic + 4
        lists.append([*old.tolist(), *new.tolist()])
    return World(lists, titles, "the new items of the topic, by their titles", 5 / 96)


def noise() -> World:
    """200 users, 60 items, 9 each at random: nothing is to be known, so nobody may know anything."""
    generator = np.random.default_rng(4)
    lists = [generator.permutation(60)[:9].tolist() for _ in range(200)]
    return World(lists, plain_titles(60), "nothing", 5 / 52)


def returns() -> World:
    """10 pairs of items; each of 100 users takes those of one pair in turns, 6 to 15 times: seen items come again.

    Lengths differ, so that the last places of most users are places that others were trained at.
    """
    lists = [[2 * (user % 10) + (user // 10 + place) % 2 for place in range(6 + user * 7 % 11 % 10)] for user in range(100)]
    return World(lists, plain_titles(20), "the other item of the pair, seen before", 5 / 20)


def plain_titles(items: int) -> dict[str, str]:
    """Titles that tell nothing but which item it is."""
    return {item_id(item): f"thing {item}" for item in range(items)}


def topic_words(count: int) -> list[str]:
    """Different made-up words of six letters."""
    generator = np.random.default_rng(5)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    return ["".join(generator.choice(letters, 6)) + " " + "".join(generator.choice(letters, 6)) for _ in range(count)]


WORLDS: dict[str, Callable[[], World]] = {"ring": ring, "clubs": clubs, "texts": texts, "noise": noise, "returns": returns}


@dataclass(frozen=True)
class Expected:
    """Bounds of a metric on the test; ``low`` 0 or ``high`` 1 promises nothing."""

    metric: str
    low: float
    high: float


SOLVES_NEXT = Expected("hr@1", 0.9, 1)
FINDS_CLUB = Expected("hr@5", 0.9, 1)
KNOWS_NOTHING = "chance"
"""No better than guessing, by four standard errors over the users."""

FINDS_PAIR = Expected("hr@5", 0.9, 1)
ORDER = {"ring": SOLVES_NEXT, "clubs": FINDS_CLUB, "texts": KNOWS_NOTHING, "noise": KNOWS_NOTHING, "returns": FINDS_PAIR}
"""What reads the order of a history. Of a pair in turns this much is asked of all: networks whose last state holds the item that
went in, and whose item vectors are those that rank, tell the pair at once and its turns only after a long training."""
TURNS = {**ORDER, "returns": SOLVES_NEXT}
SETS = {
    # the items on both sides of the history are neighbours alike: without order one of the two is as good as the other
    "ring": Expected("hr@5", 0.9, 1),
    "clubs": FINDS_CLUB,
    "texts": KNOWS_NOTHING,
    "noise": KNOWS_NOTHING,
    "returns": FINDS_PAIR,
}
"""What reads a history as a set."""
EXPECTED: dict[str, dict[str, Expected | str]] = {
    "popularity": dict.fromkeys(WORLDS, KNOWS_NOTHING),
    "markov": TURNS,
    "sasrec": ORDER,
    "gru4rec": TURNS,
    # its masks hide a few items a window: in the same time it finds neighbours first, and their order later
    "bert4rec": {**SETS, "clubs": Expected("hr@5", 0.5, 1)},
    "hstu": TURNS,
    "item-knn": SETS,
    "bpr-mf": SETS,
    "lightgcn": SETS,
    # the very same method, with its texts and without: only titles tell what is new
    "darec": {**ORDER, "texts": Expected("hr@5", 0.8, 1)},
    "darec ids": ORDER,
}
assert {name.partition(" ")[0] for name in EXPECTED} == set(METHODS.names()), "a new method says what it makes of each world"
assert all(set(row) == set(WORLDS) for row in EXPECTED.values())

LEARNING: Settings = {
    "training.threads": 1,
    "training.epochs": 30,
    "training.learning_rate": 0.01,
    "training.batch_size": 16,
    "training.patience": 10,
    "training.weight_decay": 0,
}
"""A budget in epochs, the same for all."""
NOTHING_TO_LEARN: Settings = {"training.epochs": 8}
"""Where nothing ought to be found: what leaks is found at once."""
OWN: dict[str, Settings] = {
    "bert4rec": {"training.learning_rate": 0.004, "training.epochs": 60, "training.batch_size": 8, "training.patience": 20},
    "darec": {
        "training.epochs": 12,
        "method.text_match": 4.0,
        "method.text.components": 32,
        "method.blend.fit": True,
        "method.blend.counts": False,
    },
}
