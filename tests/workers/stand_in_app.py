"""The workers' Celery app whose children are stand-ins: ``celery -A tests.workers.stand_in_app worker``."""

import sys

from workers import supervisor
from workers.app import app

__all__ = ["app"]
supervisor.CHILD = (sys.executable, "-m", "tests.workers.stand_in")
