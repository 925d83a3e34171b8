"""What the items say about themselves: titles, categories, descriptions."""

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.data.profile.counts import distribution
from engine.data.profile.model import CategoryCount, TextProfile
from engine.data.raw import ITEM_COLUMNS
from engine.data.version import Version

TOKENISER = "words and single punctuation marks; not the subwords of a language model"
_TOKEN = r"\w+|[^\w\s]"  # noqa: S105 - a pattern, no password
_TOP = 20


def text_profile(version: Version, of_item: npt.NDArray[np.int64]) -> TextProfile:
    """The texts of the catalogue; ``of_item`` is the number of interactions of each item, `items`."""
    items = version.items
    titles = items.filter(pl.col("title") != pl.col("id"))["title"]
    further = [name for name in items.columns if name not in (*ITEM_COLUMNS, "index")]
    categories = _categories(items, of_item)
    return TextProfile(
        with_title=len(titles),
        with_title_share=len(titles) / items.height,
        distinct_titles=titles.n_unique(),
        with_categories_share=_share(items["categories"].list.len() > 0),
        with_description_share=_share(items["description"] != ""),
        tokeniser=TOKENISER,
        title_tokens=distribution(titles.str.count_matches(_TOKEN).cast(pl.Int64).to_numpy()) if len(titles) else None,
        title_characters=distribution(titles.str.len_chars().cast(pl.Int64).to_numpy()) if len(titles) else None,
        categories=categories.height,
        top_categories=[CategoryCount.model_validate(row) for row in categories.head(_TOP).iter_rows(named=True)],
        further_columns={name: _share(items[name] != "") for name in further},
    )


def _categories(items: pl.DataFrame, of_item: npt.NDArray[np.int64]) -> pl.DataFrame:
    """``name``, ``items``, ``interactions``; those with the most items first."""
    rows = items.select(name="categories", interactions=pl.Series(of_item)).explode("name").drop_nulls("name")
    counted = rows.group_by("name").agg(items=pl.len(), interactions=pl.col("interactions").sum())
    return counted.sort("items", "interactions", "name", descending=[True, True, False])


def _share(mask: pl.Series) -> float:
    return float(mask.sum() / len(mask))
