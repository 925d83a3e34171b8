"""What a version looks like, in a few figures."""

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field


class Statistics(BaseModel):
    """A short profile of the interactions of a version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shortest: int = Field(description="interactions of the user with the fewest")
    median: float = Field(description="interactions of the median user")
    longest: int = Field(description="interactions of the user with the most")
    density: float = Field(description="interactions / (users x items)")
    repeat_share: float = Field(description="share of interactions that repeat an earlier pair of the same user, 0 to 1")
    unused_items: int = Field(description="items without any interaction")
    first_time: int = Field(description="earliest timestamp; seconds since 1970 in UTC if the version's times are real")
    last_time: int = Field(description="latest timestamp")


def repeat_share(user: npt.NDArray[np.int32], item: npt.NDArray[np.int32], items: int) -> float:
    """Share of the interactions, 0 to 1, whose user has had the same item before."""
    pairs = user.astype(np.int64) * items + item
    pairs.sort()
    return float(np.count_nonzero(pairs[1:] == pairs[:-1]) / len(pairs))


def summarise(
    user: npt.NDArray[np.int32], item: npt.NDArray[np.int32], timestamp: npt.NDArray[np.int64], users: int, items: int
) -> Statistics:
    """The profile of interactions (arrays of one length, at least one row; every user has a row)."""
    lengths = np.bincount(user, minlength=users)
    return Statistics(
        shortest=int(lengths.min()),
        median=float(np.median(lengths)),
        longest=int(lengths.max()),
        density=len(user) / (users * items),
        repeat_share=repeat_share(user, item, items),
        unused_items=int((np.bincount(item, minlength=items) == 0).sum()),
        first_time=int(timestamp.min()),
        last_time=int(timestamp.max()),
    )
