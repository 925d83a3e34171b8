"""A generated catalogue and log with planted structure, for the demo and the tests: small, and a model can learn from it.

Every item is a part of a series, every series has a genre. People read series in order, most of the time: what comes next is
the next part of something they have begun, which the titles tell ("Amber Harbor, part 3"). Now and then they look at something
else from a genre they like. A few series are far better known than others.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.errors import UserError

_FIRST = """
    Amber Ashen Bright Broken Cobalt Copper Crimson Distant Drifting Emerald Fallen Frozen Gilded Hidden Hollow Ivory Lonely
    Lunar Marble Midnight Misty Pale Quiet Restless Rusted Scarlet Secret Silver Sleeping Velvet Violet Wandering
"""
_SECOND = """
    Anchor Archive Beacon Bridge Canyon Castle Citadel Compass Engine Forest Garden Harbor Harvest Island Lantern Library
    Meadow Mirror Mountain Orchard Orchid Palace Prairie River Signal Station Tavern Temple Tower Valley Voyage Winter
"""
_GENRES = ("Adventure", "Comedy", "Fantasy", "History", "Mystery", "Romance", "Science Fiction", "Travel")
_PARTS = (4, 9)  # a series has 4 to 8 parts
_LENGTH = (15, 31)  # a user has 15 to 30 interactions
_NEXT_PART, _OTHER_SERIES = 0.75, 0.15  # what is left of 1 is any item of a genre that the user likes
_START = 1_672_531_200  # 2023-01-01 in UTC


@dataclass(frozen=True, eq=False)
class _Catalogue:
    """Items grouped into series; items of a series are neighbours, in order of their parts."""

    starts: npt.NDArray[np.int64]  # first item of each series, and the number of items at the end
    genre: npt.NDArray[np.int64]  # of each series
    fame: npt.NDArray[np.float64]  # of each series, sums to 1
    ids: list[str]  # of each item, shuffled, so that ids tell nothing

    @property
    def series_of(self) -> npt.NDArray[np.int64]:
        return np.repeat(np.arange(len(self.genre)), np.diff(self.starts))


def generate(folder: Path, users: int = 600, items: int = 240, seed: int = 0) -> None:
    """Write ``interactions.csv`` and ``items.csv`` to ``folder``. The same arguments give the same bytes.

    Args:
        folder: made if it is missing.
        users: how many users, 2 or more.
        items: how many items, 40 or more.
        seed: of everything random.

    Raises:
        ValueError: a number is too small.
        UserError: the folder holds other files of these names.
    """
    if users < 2 or items < 40:
        raise ValueError(f"got {users} users and {items} items, must be 2 and 40 or more")
    random = np.random.default_rng(seed)
    catalogue = _make_catalogue(items, random)
    log = [row for user in range(users) for row in _user_rows(user, catalogue, random)]
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "items.csv", ("item_id", "title", "categories", "description"), _item_rows(catalogue, random))
    _write(folder / "interactions.csv", ("user_id", "item_id", "timestamp", "rating"), log)


def _make_catalogue(items: int, random: np.random.Generator) -> _Catalogue:
    lengths: list[int] = []
    while sum(lengths) < items:
        lengths.append(min(int(random.integers(*_PARTS)), items - sum(lengths)))
    fame = 1.0 / np.arange(1, len(lengths) + 1) ** 0.8
    random.shuffle(fame)
    return _Catalogue(
        starts=np.concatenate([[0], np.cumsum(lengths)]),
        genre=random.permutation(np.arange(len(lengths)) % len(_GENRES)),
        fame=fame / fame.sum(),
        ids=[f"b{number:04d}" for number in random.permutation(items) + 1],
    )


def _item_rows(catalogue: _Catalogue, random: np.random.Generator) -> list[tuple[str, ...]]:
    names = [f"{first} {second}" for first in _FIRST.split() for second in _SECOND.split()]
    random.shuffle(names)
    rows: list[tuple[str, ...]] = []
    for item, series in enumerate(catalogue.series_of):
        again, place = divmod(int(series), len(names))
        name = names[place] + (f" {again + 1}" if again else "")
        genre = _GENRES[catalogue.genre[series]]
        part = item - catalogue.starts[series] + 1
        parts = catalogue.starts[series + 1] - catalogue.starts[series]
        title = f"{name}, part {part}"
        rows.append((catalogue.ids[item], title, genre, f"Part {part} of {parts} of the {genre.lower()} series {name}."))
    return sorted(rows)


def _user_rows(user: int, catalogue: _Catalogue, random: np.random.Generator) -> list[tuple[str, ...]]:
    taste = random.dirichlet(np.full(len(_GENRES), 0.4))[catalogue.genre]
    wish = catalogue.fame * (taste + 0.01)
    time = _START + int(random.integers(365 * 86_400))
    rows: list[tuple[str, ...]] = []
    for item in _walk(catalogue, wish / wish.sum(), int(random.integers(*_LENGTH)), random):
        time += 60 + int(random.exponential(2 * 86_400))
        rating = 3 + int(random.random() < 0.7) + int(random.random() < 0.5)
        rows.append((f"u{user + 1:04d}", catalogue.ids[item], str(time), str(rating)))
    return rows


def _walk(catalogue: _Catalogue, wish: npt.NDArray[np.float64], length: int, random: np.random.Generator) -> list[int]:
    """The items of one user, none twice."""
    series_of = catalogue.series_of
    seen = np.zeros(len(series_of), bool)
    current = -1
    items: list[int] = []
    for _ in range(length):
        left = ~seen
        choice = random.random()
        if choice >= _NEXT_PART + _OTHER_SERIES:
            item = _draw(left * wish[series_of], random)
        else:
            unfinished = np.bincount(series_of[left], minlength=len(wish)) > 0
            if current < 0 or choice >= _NEXT_PART or not unfinished[current]:
                current = _draw(unfinished * wish, random)
            item = int(catalogue.starts[current] + np.argmin(seen[catalogue.starts[current] : catalogue.starts[current + 1]]))
        seen[item] = True
        items.append(item)
    return items


def _draw(weights: npt.NDArray[np.float64], random: np.random.Generator) -> int:
    return int(random.choice(len(weights), p=weights / weights.sum()))


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    content = text.getvalue().encode()
    if path.exists() and path.read_bytes() != content:
        raise UserError(f"{path} exists already and holds something else.", "Choose another folder.")
    path.write_bytes(content)
