"""What a profile holds. Small: each chart has at most about 60 points, whatever the size of the version."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.data.raw import Time
from engine.data.statistics import Statistics
from engine.result import DataCounts

Unit = Literal["hour", "day", "week", "month", "quarter", "year", "decade", "century"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bin(_Frozen):
    """How many values are ``low`` to ``high``, both included."""

    low: int
    high: int
    count: int


class Quantiles(_Frozen):
    """Where values lie: ``p10`` is the value that a tenth of them do not pass."""

    minimum: float
    p10: float
    p25: float
    median: float
    p75: float
    p90: float
    p99: float
    maximum: float
    mean: float


class Distribution(_Frozen):
    """Whole numbers as quantiles and as a histogram whose bins grow with the values."""

    quantiles: Quantiles
    histogram: list[Bin]


class Point(_Frozen):
    """The most popular ``items`` (a share of the catalogue) have this share of the ``interactions``; both 0 to 1."""

    items: float
    interactions: float


class ItemCount(_Frozen):
    """An item and the number of its interactions."""

    id: str
    title: str
    interactions: int


class Popularity(_Frozen):
    """How unevenly interactions are spread over the catalogue."""

    gini: float = Field(description="0: all items have the same number of interactions; near 1: one item has them all")
    curve: list[Point] = Field(description="from the most popular item on")
    items_by_interactions: list[Bin] = Field(description="items with 0, 1, 2 to 4, 5 to 9, 10 to 29, 30 or more interactions")
    unused_items: int = Field(description="items without any interaction")
    cold_items: int = Field(description="items with 1 to 4 interactions")
    top: list[ItemCount] = Field(description="the 10 items with the most interactions")


class Period(_Frozen):
    """The interactions of one hour, day, week, ...: ``start`` is its first moment in UTC, in ISO 8601."""

    start: str
    interactions: int


class TimeProfile(_Frozen):
    """When interactions happened; there is none for a version whose times are mere positions."""

    first: str = Field(description="earliest time, ISO 8601 in UTC")
    last: str = Field(description="latest time, ISO 8601 in UTC")
    unit: Unit = Field(description="length of the periods, chosen so that there are about 60 at most")
    periods: list[Period] = Field(description="from the first to the last, empty ones too; weeks start on Monday")
    gaps: Quantiles | None = Field(description="seconds between one interaction of a user and the next; None: nobody has two")
    tied_interactions: float = Field(description="share of interactions with the time of a neighbour of the same user, 0 to 1")
    tied_users: float = Field(description="share of users with such a tie, 0 to 1")
    tied_last: float = Field(description="share of users whose last two interactions are tied: file order says which is last")


class Repeats(_Frozen):
    """Repeated consumption: the same user, the same item again."""

    interactions: int
    share: float = Field(description="of all interactions, 0 to 1")
    by_lag: list[Bin] = Field(description="how many interactions of the user ago the item was last there; 1: the one before")


class CategoryCount(_Frozen):
    """A category, and how many items and interactions it has."""

    name: str
    items: int
    interactions: int


class TextProfile(_Frozen):
    """What the items say about themselves; shares are of the catalogue, 0 to 1."""

    with_title: int = Field(description="items with a title of their own, not the id standing in")
    with_title_share: float
    distinct_titles: int = Field(description="different titles among these")
    with_categories_share: float
    with_description_share: float
    tokeniser: str = Field(description="what a token is in title_tokens")
    title_tokens: Distribution | None = Field(description="of the items with a title; None: there are none")
    title_characters: Distribution | None
    categories: int = Field(description="different categories")
    top_categories: list[CategoryCount] = Field(description="the 20 categories with the most items")
    further_columns: dict[str, float] = Field(description="share of items with a text in each further column")


class Profile(_Frozen):
    """A version in numbers and charts."""

    version: str = Field(description="its hash")
    counts: DataCounts
    time: Time
    statistics: Statistics
    lengths: Distribution = Field(description="interactions of each user")
    popularity: Popularity
    repeats: Repeats
    times: TimeProfile | None
    texts: TextProfile
