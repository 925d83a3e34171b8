"""Settings of ``item-knn``."""

from typing import Literal

from engine.fields import setting
from engine.methods.spec import MethodSpec


class ItemKnnSpec(MethodSpec):
    """Items that the same users had are alike; those most alike to the history are recommended."""

    id: Literal["item-knn"] = "item-knn"
    neighbours: int = setting(100, "most similar items that each item keeps", "items", ge=1, le=100_000)
    shrinkage: float = setting(10.0, "added to the cosine's denominator: little evidence counts less", ge=0, le=1_000_000)
    values: Literal["binary", "count"] = setting("binary", "binary: had it or not; count: how many times a user had the item")
    normalise_users: bool = setting(False, "scale each user's items to length 1, so that long histories say less of each pair")
    recency: float = setting(
        1.0, "an item of the history weighs this many times the next newer one; 1: all weigh the same", gt=0, le=1
    )
