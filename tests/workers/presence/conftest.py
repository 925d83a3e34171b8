"""The fixtures of the tests of the workers."""

from tests.workers.fixtures import *  # noqa: F403
