"""An object store for tests: moto's server, which speaks S3."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pytest_django.fixtures import Settings

from webapp.settings import storage_backend

SECRETS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of a store."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The bucket ``lab``, used by this process and its children as ``STORAGE_URL`` says, below the prefix ``team``."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    store = boto3.resource("s3", endpoint_url=endpoint).Bucket("lab")
    store.create()
    url = f"s3://lab/team?endpoint={endpoint}"
    monkeypatch.setenv("STORAGE_URL", url)
    settings.STORAGES = {**settings.STORAGES, "default": storage_backend(url)}
    yield store
    store.objects.all().delete()
    store.delete()


def names(bucket: Any) -> set[str]:
    """The keys in a bucket."""
    return {item.key for item in bucket.objects.all()}
