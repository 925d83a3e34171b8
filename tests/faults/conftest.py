"""The fixtures of the tests of faults."""

from tests.workers.fixtures import *  # noqa: F403
