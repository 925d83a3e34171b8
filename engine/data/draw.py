"""Drawing users by a hash of their ids: the same ids and seed give the same draw, whatever else is in the data."""

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt


def drawing_order(ids: Iterable[str], seed: int) -> npt.NDArray[np.int64]:
    """The places of ``ids`` in the order in which they are drawn: by BLAKE2b of the id under ``seed``.

    A user's place among others depends on no third one: who is drawn first of ten is also before the others of a thousand.
    """
    key = seed.to_bytes(8, "little")
    digests = b"".join(hashlib.blake2b(user.encode(), digest_size=8, key=key).digest() for user in ids)
    return np.argsort(np.frombuffer(digests, "<u8"), kind="stable")
