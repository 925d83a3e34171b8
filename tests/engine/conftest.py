"""What the engine's tests share: small versions with planted structure, and one-thread torch."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import torch

from engine.data.generated import generate
from engine.data.prepare import prepare
from engine.data.read import read_raw
from engine.data.version import Version
from engine.spec import FilterSpec
from tests.engine.backbones.tiny import save_tiny


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of the tests' own, so that nothing comes from an earlier session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DARECLAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Small models are fastest on one thread, and results do not hang on the machine's cores."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Version:
    """A generated catalogue of 60 items in series, 150 users who mostly read series in order."""
    folder = tmp_path_factory.mktemp("planted")
    generate(folder / "raw", users=150, items=60, seed=1)
    return prepare(read_raw(folder / "raw"), FilterSpec(core=0), folder / "version")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """From a model family to the folder of a tiny saved checkpoint, each made once."""
    return cache(lambda family: save_tiny(tmp_path_factory.mktemp(family), family))


def write_version(folder: Path, rows: list[tuple[str, str, int]], titles: dict[str, str] | None = None) -> Version:
    """A version of ``rows`` (user, item, timestamp), unfiltered."""
    raw = folder / "raw"
    raw.mkdir(parents=True)
    lines = ["user_id,item_id,timestamp", *(f"{user},{item},{time}" for user, item, time in rows)]
    (raw / "interactions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if titles is not None:
        quoted = [f'{item},"{title}"' for item, title in titles.items()]
        (raw / "items.csv").write_text("\n".join(["item_id,title", *quoted]) + "\n", encoding="utf-8")
    return prepare(read_raw(raw), FilterSpec(core=0), folder / "version")


def histories(folder: Path, lists: list[list[int]], titles: list[str] | None = None) -> Version:
    """A version in which user u0, u1, ... took items i0, i1, ... in this order."""
    rows = [(f"u{user}", f"i{item}", 1000 + place) for user, items in enumerate(lists) for place, item in enumerate(items)]
    named = {f"i{number}": title for number, title in enumerate(titles)} if titles else None
    return write_version(folder, rows, named)
