"""Many requests at once leave nothing behind but the connections that the web server keeps open, which do not grow in number."""

import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.site import Site

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]
_COUNT = (
    "from django.db import connection; cursor = connection.cursor(); "
    "cursor.execute('SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()'); print(cursor.fetchone()[0])"
)


_AT_ONCE = 16


def test_database_connections_are_kept_and_not_leaked(site: Site) -> None:
    def fetch(_: int) -> int:
        with urllib.request.urlopen(f"{site.address}/healthz", timeout=60) as response:  # noqa: S310 (our own site)
            return int(response.status)

    before = int(site.shell(_COUNT))
    for _ in range(2):
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            assert set(threads.map(fetch, range(160))) == {200}
        # Each of the two web processes may have had all of the requests at once.
        assert int(site.shell(_COUNT)) <= before + 2 * _AT_ONCE + 5
