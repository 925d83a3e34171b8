"""Fixtures of the tests of curation."""

import pytest

from tests.webapp.curation.rows import ITEMS, copy_items
from webapp.datasets.models import Version


@pytest.fixture
def curated(version: Version) -> Version:
    """A version whose items a worker has copied: a, b and c are called the same, d's texts are hostile."""
    copy_items(version)
    version.items = len(ITEMS)
    version.save()
    return version
