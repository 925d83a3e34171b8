"""Fixtures of the tests of back-up and restore."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

from tests.support.object_store import bucket, endpoint  # noqa: F401
from tests.webapp.operations.places import Place, this_place


@pytest.fixture
def here(transactional_db: None, tmp_path: Path) -> Place:
    """The test's own database and storage."""
    return this_place(tmp_path / "storage")


@pytest.fixture
def elsewhere(here: Place, tmp_path: Path) -> Iterator[Place]:
    """An empty database on the same server, and an empty storage."""
    place = Place(f"restored_{os.getpid()}", tmp_path / "elsewhere")
    with here.connect() as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(place.database)))
    yield place
    with here.connect() as server:
        server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(place.database)))
