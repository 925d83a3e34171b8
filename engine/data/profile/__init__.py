"""The profile of a version: what its page shows as numbers and charts."""

import numpy as np

from engine.data.profile.clock import time_profile
from engine.data.profile.counts import distribution, popularity, repeats
from engine.data.profile.model import Profile
from engine.data.profile.texts import text_profile
from engine.data.sequences import offsets_of
from engine.data.version import Version

__all__ = ["Profile", "profile_version"]


def profile_version(version: Version) -> Profile:
    """Count and measure ``version``; ten million interactions take seconds, and the answer stays small."""
    offsets = offsets_of(version.user, len(version.users))
    of_item = np.bincount(version.item, minlength=version.items.height)
    return Profile(
        version=version.hash,
        counts=version.counts,
        time=version.manifest.time,
        statistics=version.manifest.statistics,
        lengths=distribution(np.diff(offsets)),
        popularity=popularity(version, of_item),
        repeats=repeats(version),
        times=time_profile(version, offsets),
        texts=text_profile(version, of_item),
    )
