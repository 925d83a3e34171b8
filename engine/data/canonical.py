"""The version hash: SHA-256 over the logical rows, in one canonical form of bytes.

The form does not depend on Parquet, on where the data came from or in which order users and items were listed there:
users and items stand in the order of their ids, interactions by user, time and file order.
"""

import hashlib
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.data.raw import ITEM_COLUMNS


class _Digest(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...


def version_hash(
    users: list[str],
    items: pl.DataFrame,
    user: npt.NDArray[np.int32],
    item: npt.NDArray[np.int32],
    timestamp: npt.NDArray[np.int64],
    weight: npt.NDArray[np.float32],
    part: npt.NDArray[np.uint8] | None = None,
    candidates: pl.DataFrame | None = None,
) -> str:
    """Hex digest of a version's content.

    Args:
        users: ids in index order.
        items: ``id``, ``title``, ``categories``, ``description`` and further text columns, in index order.
        user, item, timestamp, weight: the interactions, `interactions` each.
        part, candidates: an imported split and imported lists, see :class:`engine.data.version.Version`; None counts not.
    """
    digest = hashlib.sha256(b"darec-lab version 1\n")
    _add_texts(digest, "users", pl.Series(users, dtype=pl.String))
    further = sorted(name for name in items.columns if name not in (*ITEM_COLUMNS, "index"))
    for name in (*ITEM_COLUMNS, *further):
        column = items[name]
        if name == "categories":
            _add_array(digest, "categories per item", column.list.len().to_numpy().astype("<u4"))
            column = column.explode(empty_as_null=False)
        _add_texts(digest, name, column)
    _add_array(digest, "user", user.astype("<i4", copy=False))
    _add_array(digest, "item", item.astype("<i4", copy=False))
    _add_array(digest, "timestamp", timestamp.astype("<i8", copy=False))
    _add_array(digest, "weight", weight.astype("<f4", copy=False))
    if part is not None:
        _add_array(digest, "part", part)
    if candidates is not None:
        for name in ("user", "item"):
            _add_array(digest, f"candidates: {name}", candidates[name].to_numpy().astype("<i4", copy=False))
    return digest.hexdigest()


def _add_texts(digest: _Digest, name: str, texts: pl.Series) -> None:
    """Lengths in bytes first, then the bytes: no two lists of texts give the same stream."""
    _add_array(digest, name, texts.str.len_bytes().to_numpy().astype("<u4"))
    digest.update("".join(texts).encode())


def _add_array(digest: _Digest, name: str, values: npt.NDArray[np.generic]) -> None:
    label = name.encode()
    digest.update(len(label).to_bytes(4, "little") + label + len(values).to_bytes(8, "little"))
    digest.update(np.ascontiguousarray(values).data)
