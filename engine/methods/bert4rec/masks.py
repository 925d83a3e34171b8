"""Which items of training windows are masked (the cloze task of BERT4Rec, arXiv 1904.06690, section 3.6)."""

import numpy as np
from numpy.typing import NDArray


def draw_masks(
    lengths: NDArray[np.int64], length: int, probability: float, last_share: float, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """True where an item is masked, `batch x length`; one item of each window at least, none behind its end.

    Args:
        lengths: `batch`, items of each window, 1 to ``length``.
        probability: of each item to be masked.
        last_share: probability of a window to have just its last item masked.
    """
    draws = generator.random((len(lengths), length))
    only_last = generator.random(len(lengths)) < last_share
    inside = np.arange(length) < lengths[:, None]
    draws[~inside] = 1
    masked: NDArray[np.bool_] = inside & (draws < probability)
    masked[np.arange(len(lengths)), draws.argmin(axis=1)] = True
    last = np.arange(length) == lengths[:, None] - 1
    masked[only_last] = last[only_last]
    return masked
