"""The workers' Celery app whose children train a planted objective: ``celery -A tests.workers.searches.objective_app worker``."""

import sys

from workers.app import app

# isort: split
# Models can be imported once the app has set up Django.
from workers import crew

__all__ = ["app"]
crew.CHILD = (sys.executable, "-m", "tests.workers.searches.objective")
