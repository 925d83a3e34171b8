"""Row filters and the iterated k-core, on integer codes."""

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.integer]
Mask = npt.NDArray[np.bool_]


def core_mask(user: Codes, item: Codes, core: int) -> Mask:
    """Which interactions are in the k-core: the largest set in which each user and each item has ``core`` or more of them.

    Args:
        user, item: codes from 0 of the user and the item of each interaction, `interactions`.
        core: k; 0 keeps all.
    """
    kept = np.arange(len(user))
    while core > 0 and len(kept):
        users, items = user[kept], item[kept]
        stays = (np.bincount(users)[users] >= core) & (np.bincount(items)[items] >= core)
        if stays.all():
            break
        kept = kept[stays]
    mask = np.zeros(len(user), bool)
    mask[kept] = True
    return mask
