"""Imported candidate lists: for each user the items that the test target is ranked among, and nothing else."""

from dataclasses import replace

import numpy as np
import polars as pl

from engine.data.interactions import require_column, skipped_notice
from engine.data.sequences import Sequences, offsets_of
from engine.data.split import Split
from engine.data.table import Table
from engine.data.version import Version
from engine.errors import DataError


def read_candidates(table: Table) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The lists in ``table``: ``user`` and ``item`` as text, each pair once; and notices.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    for column in ("user_id", "item_id"):
        require_column(table, column)
    table = table.skip((table.frame["user_id"] == "") | (table.frame["item_id"] == ""), "an empty user or item")
    if table.frame.is_empty():
        raise DataError(f"{table.name}: no candidates in the file.", "It needs a header line and one row for each candidate.")
    notices = (*table.notices, *([skipped_notice(table)] if table.skipped else []))
    return table.frame.select(user="user_id", item="item_id").unique(maintain_order=True), notices


def code_candidates(pairs: pl.DataFrame, users: list[str], item_ids: pl.Series) -> tuple[pl.DataFrame, list[str]]:
    """``pairs`` of ids as codes: ``user`` and ``item`` int32, sorted, with a notice if some are not in the version.

    Args:
        users, item_ids: the ids of the version, in index order.
    """
    ids = {"user": pl.Series(users, dtype=pl.String), "item": item_ids}
    codes = pairs.select(
        pl.col(name).replace_strict(known, pl.int_range(len(known), dtype=pl.Int32, eager=True), default=None).cast(pl.Int32)
        for name, known in ids.items()
    )
    known = codes.drop_nulls().sort("user", "item")
    left_out = codes.height - known.height
    notices = [f"{left_out:,} candidates were left out: their user or item is not in the version."] if left_out else []
    return known, notices


def named_candidates(version: Version) -> pl.DataFrame | None:
    """The lists of a version as ids, ``user`` and ``item``; None if it has none."""
    if version.candidates is None:
        return None
    user, item = (version.candidates[name].to_numpy() for name in ("user", "item"))
    users = pl.Series(version.users, dtype=pl.String)
    return pl.DataFrame({"user": users.gather(user), "item": version.items["id"].gather(item)})


def candidates_of(version: Version) -> Sequences:
    """The candidates of each user, perhaps none, without the target where the file lacked it.

    Raises:
        DataError: the version holds no candidate lists.
    """
    pairs = version.candidates
    if pairs is None:
        raise DataError(
            "evaluation.candidates is imported, but the data hold no candidate lists.",
            "Put candidates.csv (user_id,item_id) beside the interactions and prepare them again; or rank the full catalogue.",
        )
    return Sequences(offsets_of(pairs["user"].to_numpy(), len(version.users)), pairs["item"].to_numpy())


def limit_to_candidates(split: Split, candidates: Sequences) -> Split:
    """``split``, with test targets only of users who have a list: to be the only candidate is no feat.

    Raises:
        DataError: no user with a test target has a list.
    """
    without = (split.test >= 0) & (candidates.lengths == 0)
    test = np.where(without, -1, split.test).astype(np.int32)
    if not (test >= 0).any():
        raise DataError("No user with a test target has a candidate list.", "Give candidates to the users whom the split tests.")
    notices = ["Test targets are ranked among imported candidates, validation targets among the whole catalogue."]
    if without.any():
        notices.append(f"{int(without.sum()):,} users with a test target have no candidate list and are not tested.")
    return replace(split, test=test, notices=(*split.notices, *notices))
