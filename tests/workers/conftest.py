"""The fixtures of the tests of the workers."""

from tests.support.object_store import bucket, endpoint  # noqa: F401
from tests.workers.fixtures import *  # noqa: F403
