"""Settings of ``popularity``: none."""

from typing import Literal

from engine.methods.spec import MethodSpec


class PopularitySpec(MethodSpec):
    """Ranks items by how many training interactions they have."""

    id: Literal["popularity"] = "popularity"
