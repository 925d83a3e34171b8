"""The embedded Redis: closed to others; started again, it keeps its address."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.local.redis import Redis
from tests.support.processes import alive, tree


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Redis]:
    broker = Redis(tmp_path)
    broker.start()
    yield broker
    broker.stop()


def test_it_wants_a_password(broker: Redis) -> None:
    with redis.Redis(port=broker.port, retry=Retry(NoBackoff(), 0)) as client, pytest.raises(redis.AuthenticationError):
        client.ping()
    with redis.Redis.from_url(broker.url) as client:
        assert client.ping()
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_started_again_it_keeps_its_address(broker: Redis) -> None:
    url = broker.url
    assert broker.process is not None
    assert broker.process.pid is not None
    processes = tree(broker.process.pid)
    broker.stop()
    assert alive(processes) == []
    assert broker.start() == url
