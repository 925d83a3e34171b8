"""The filters of a version, in their order, over integer codes: what ``prepare`` does, and what a preview counts."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.data.coded import CodedRows
from engine.data.draw import drawing_order
from engine.data.filters import core_mask, without_duplicates
from engine.data.manifest import FilterStep
from engine.data.specs import FilterSpec, moment_seconds
from engine.data.split import NEEDED
from engine.errors import DataError
from engine.result import DataCounts

Mask = npt.NDArray[np.bool_]
_CORE_NOTE = "Held-out interactions counted too, as is usual."


class Filtering:
    """Filters that go over rows one after the other.

    Attributes:
        frame: the interactions that are left, with the codes that they had before.
        listed: bool, `items`: which items are still in the catalogue.
        steps: what each filter took away.
        counts: users, items and interactions before the first step and after each.
        notices: what people should know, one sentence each.
    """

    def __init__(self, rows: CodedRows) -> None:
        self.frame = rows.frame
        self.user_ids, self.items, self.time = rows.user_ids, rows.items, rows.time
        self.listed: Mask = np.ones(rows.items.height, bool)
        self.steps: list[FilterStep] = []
        self.notices: list[str] = []
        self.counts = [self._count()]

    def apply(self, filters: FilterSpec) -> None:
        """Exact duplicates, row filters (rating, time, lists), sampling of users, iterated k-core.

        Raises:
            DataError: a filter cannot be used on these data, or nothing is left; ``steps`` and ``counts`` tell how far it came.
        """
        self._drop_duplicates()
        if filters.minimum_rating is not None:
            self._drop_rated_below(filters.minimum_rating)
        if filters.after or filters.before:
            self._keep_between(filters.after, filters.before)
        if filters.exclude_users:
            self._exclude_users(filters.exclude_users)
        if filters.exclude_items:
            wrong = self._found(self.items["id"], filters.exclude_items, "exclude_items", "items")
            self._keep_items("exclude-items", ~wrong, _ids(filters.exclude_items), "without the excluded items")
        if filters.categories:
            wanted = self._in_categories(filters.categories, "categories")
            settings = {"categories": list(filters.categories)}
            self._keep_items("categories", wanted, settings, f"of items in {', '.join(filters.categories)}")
        if filters.without_categories:
            unwanted = self._in_categories(filters.without_categories, "without_categories")
            settings = {"without_categories": list(filters.without_categories)}
            words = f"of items that are not in {', '.join(filters.without_categories)}"
            self._keep_items("without-categories", ~unwanted, settings, words)
        if filters.sample_users is not None:
            self._sample_users(filters.sample_users, filters.sample_seed)
        if filters.core > 0:
            self._keep_core(filters.core)
        self._tell_of_short()

    def _tell_of_short(self) -> None:
        """Notice users whose sequences are too short for a target of validation and one of the test."""
        lengths = np.bincount(self.frame["user"].to_numpy(), minlength=1)
        if short := int(np.count_nonzero((lengths > 0) & (lengths < NEEDED))):
            who, they = ("1 user has", "that user is") if short == 1 else (f"{short:,} users have", "they are")
            self.notices.append(
                f"{who} fewer than {NEEDED} interactions: {they} learned from, but not evaluated by leave-one-out."
            )

    def _drop_duplicates(self) -> None:
        before = self.frame.height
        single = without_duplicates(self.frame)
        if removed := before - single.height:
            self.notices.append(f"{removed:,} exact duplicates (same user, item, time and rating) were dropped.")
        self._keep("duplicates", single, {}, "without duplicates", "")

    def _drop_rated_below(self, minimum: float) -> None:
        rated = self.frame["weight"].is_not_null()
        if not rated.any():
            raise DataError(
                f"filters.minimum_rating is {minimum:g}, but the data have no ratings.", "Leave filters.minimum_rating empty."
            )
        if not rated.all():
            self.notices.append(
                f"{int((~rated).sum()):,} interactions without a rating were kept by the minimum rating of {minimum:g}."
            )
        # Ratings are float32: 4.1 there is less than 4.1 as a Python float.
        low = pl.col("weight") < float(np.float32(minimum))
        kept = self.frame.filter(~low.fill_null(False))
        settings = {"minimum_rating": minimum}
        self._keep("minimum-rating", kept, settings, f"with a rating of {minimum:g} or more", "Lower filters.minimum_rating.")

    def _keep_between(self, after: str | None, before: str | None) -> None:
        settings = {name: value for name, value in (("after", after), ("before", before)) if value}
        named = " and ".join(f"filters.{name}" for name in settings)
        if self.time != "real":
            raise DataError(
                f"{named} cannot be used: the data have no real times, only an order.", f"Leave {named} empty, or add timestamps."
            )
        time, inside = pl.col("timestamp"), pl.lit(True)
        if after:
            inside &= time >= moment_seconds(after)
        if before:
            inside &= time < moment_seconds(before)
        words = " ".join(f"{'from' if name == 'after' else 'before'} {value}" for name, value in settings.items())
        self._keep("time-range", self.frame.filter(inside), settings, words, f"Change {named}.")

    def _exclude_users(self, ids: Sequence[str]) -> None:
        wrong = self._found(self.user_ids, ids, "exclude_users", "users")
        kept = self.frame.filter(pl.Series(~wrong[self.frame["user"].to_numpy()]))
        self._keep("exclude-users", kept, _ids(ids), "without the excluded users", "Exclude fewer users.")

    def _keep_items(self, name: str, wanted: Mask, settings: dict[str, Any], words: str) -> None:
        kept = self.frame.filter(pl.Series(wanted[self.frame["item"].to_numpy()]))
        self.listed &= wanted
        self._keep(name, kept, settings, words, f"Change filters.{name.replace('-', '_')}.")

    def _sample_users(self, sample: float, seed: int) -> None:
        user = self.frame["user"].to_numpy()
        present = np.flatnonzero(np.bincount(user, minlength=len(self.user_ids)))
        number = round(sample * len(present)) if sample < 1 else int(sample)
        if number > len(present):
            self.notices.append(f"filters.sample_users asks for {number:,} users, there are {len(present):,}: all were kept.")
        chosen = np.zeros(len(self.user_ids), bool)
        chosen[present[drawing_order(self.user_ids.gather(present), seed)[:number]]] = True
        settings, words = {"sample_users": sample, "sample_seed": seed}, f"when {number:,} of the users are drawn"
        kept = self.frame.filter(pl.Series(chosen[user]))
        self._keep("sample-users", kept, settings, words, "Raise filters.sample_users.")

    def _keep_core(self, core: int) -> None:
        kept = self.frame.filter(pl.Series(core_mask(self.frame["user"].to_numpy(), self.frame["item"].to_numpy(), core)))
        self.listed &= np.bincount(kept["item"].to_numpy(), minlength=len(self.listed)) > 0
        words = f"when each user and each item must have {core} interactions"
        self._keep("k-core", kept, {"core": core}, words, "Lower filters.core.", _CORE_NOTE)

    def _keep(self, name: str, kept: pl.DataFrame, settings: dict[str, Any], words: str, hint: str, note: str = "") -> None:
        before, self.frame = self.counts[-1], kept
        after = self._count()
        step = FilterStep.model_validate(
            {
                "name": name,
                "settings": settings,
                "interactions_removed": before.interactions - after.interactions,
                "users_removed": before.users - after.users,
                "items_removed": before.items - after.items,
                "note": note,
            }
        )
        self.steps.append(step)
        self.counts.append(after)
        if before.interactions and not after.interactions:
            counts = f"{before.interactions:,} interactions of {before.users:,} users with {before.items:,} items"
            raise DataError(f"Nothing is left of {counts} {words}.", hint)

    def _count(self) -> DataCounts:
        users = int(np.count_nonzero(np.bincount(self.frame["user"].to_numpy(), minlength=1)))
        return DataCounts(users=users, items=int(self.listed.sum()), interactions=self.frame.height)

    def _found(self, ids: pl.Series, wanted: Sequence[str], setting: str, what: str) -> Mask:
        """Which of ``ids`` are wanted; those that are not there at all get a notice."""
        listed = pl.Series(wanted, dtype=pl.String)
        if missing := int((~listed.is_in(ids.implode())).sum()):
            self.notices.append(f"filters.{setting}: {missing:,} of the {len(listed):,} ids are no {what} of these data.")
        return ids.is_in(listed.implode()).to_numpy()

    def _in_categories(self, names: Sequence[str], setting: str) -> Mask:
        each = self.items.select(code=pl.int_range(pl.len()), name="categories").explode("name", empty_as_null=False)
        known = each["name"].unique().drop_nulls()
        if unknown := sorted(set(names) - set(known.to_list())):
            some = ", ".join(known.sort().head(10)) or "none"
            self.notices.append(f"filters.{setting}: no item is in {', '.join(unknown[:10])}. Some of the categories: {some}.")
        mask = np.zeros(self.items.height, bool)
        mask[each.filter(pl.col("name").is_in(list(names)))["code"].to_numpy()] = True
        return mask


def _ids(ids: Sequence[str]) -> dict[str, Any]:
    """A list of ids as a manifest may keep it: who asked to be left out should not be named there for ever."""
    distinct = sorted(set(ids))
    return {"ids": len(distinct), "sha256": hashlib.sha256("\n".join(distinct).encode()).hexdigest()}
