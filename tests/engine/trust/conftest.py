"""What several tests of this folder share: one small version."""

import pytest

from engine.data.version import Version
from tests.engine.trust.worlds import Row, mixed, rows_of, version_of

ITEMS, USERS = 40, 50


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    """Interactions with something to learn, no pair twice."""
    return rows_of(mixed(7, USERS, ITEMS, 11))


@pytest.fixture(scope="session")
def plain(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Version:
    """Their version."""
    return version_of(tmp_path_factory.mktemp("plain"), rows, ITEMS)
