"""The workers' Celery app whose children are stand-ins: ``celery -A tests.workers.stand_in_app worker``."""

import sys

from workers.app import app

# isort: split
# Models can be imported once the app has set up Django.
from workers import crew

__all__ = ["app"]
crew.CHILD = (sys.executable, "-m", "tests.workers.stand_in")
