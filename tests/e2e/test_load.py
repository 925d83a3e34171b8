"""Many requests at once leave nothing behind."""

import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.site import Site

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]
_COUNT = (
    "from django.db import connection; cursor = connection.cursor(); "
    "cursor.execute('SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()'); print(cursor.fetchone()[0])"
)


def test_requests_leave_no_database_connections(site: Site) -> None:
    def fetch(_: int) -> int:
        with urllib.request.urlopen(f"{site.address}/healthz", timeout=60) as response:  # noqa: S310 (our own site)
            return int(response.status)

    before = int(site.shell(_COUNT))
    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(fetch, range(160))) == {200}
    assert int(site.shell(_COUNT)) <= before + 5
