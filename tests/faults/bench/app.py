"""The workers' Celery app whose children write down what they do: ``celery -A tests.faults.bench.app worker``."""

import sys

from workers.app import app

# isort: split
# Models can be imported once the app has set up Django.
from workers import crew

__all__ = ["app"]
crew.CHILD = (sys.executable, "-m", "tests.faults.bench.child")
