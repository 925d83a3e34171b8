"""A pytest plugin: one Postgres and one Redis for the whole test session, in the environment before Django's settings load.

``-p deploy.local.testing`` in pyproject.toml loads it; a conftest.py would come too late, because pytest-django reads the
settings before it. DATABASE_URL and BROKER_URL, where set, are used instead of embedded services.
"""

import os
import secrets
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from deploy.local.postgres import Postgres
from deploy.local.redis import Redis


def start_services() -> ExitStack:
    """Start what the environment does not name, and name it there; closing the result stops it and removes its files."""
    services = ExitStack()
    folder = Path(tempfile.mkdtemp(prefix="dareclab-tests-"))
    folder.chmod(0o755)
    services.callback(shutil.rmtree, folder, ignore_errors=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["STORAGE_URL"] = f"file://{folder / 'storage'}"
    os.environ["STATIC_ROOT"] = str(folder / "static")
    (folder / "static").mkdir()
    os.environ["DARECLAB_CACHE"] = str(folder / "cache")
    os.environ["SECRET_KEY"] = secrets.token_urlsafe(50)
    os.environ["HF_HUB_OFFLINE"] = "1"
    if not os.environ.get("DATABASE_URL"):
        postgres = Postgres(folder / "postgres", durable=False)
        services.callback(postgres.remove)
        os.environ["DATABASE_URL"] = postgres.start()
    if not os.environ.get("BROKER_URL"):
        redis = Redis(folder / "redis")
        services.callback(redis.stop)
        os.environ["BROKER_URL"] = redis.start()
    return services


_SERVICES = start_services()


def pytest_unconfigure() -> None:
    """Stop the services, after the last test and the last teardown."""
    _SERVICES.close()
