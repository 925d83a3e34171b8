import asyncio
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpRequest
from django.test import AsyncRequestFactory, RequestFactory

from webapp.streaming import download

CONTENT = bytes(range(256)) * 1000


@pytest.fixture(autouse=True)
def _stored(tmp_path: Path) -> None:
    default_storage.save("exports/a", ContentFile(CONTENT))


@pytest.mark.parametrize("request_", [RequestFactory().get("/"), AsyncRequestFactory().get("/")], ids=["wsgi", "asgi"])
def test_a_stored_file_comes_in_pieces_with_its_name_and_size(request_: HttpRequest, request: pytest.FixtureRequest) -> None:
    response = download(request_, "exports/a", "Bücher v1.zip", "application/zip")
    assert response["Content-Length"] == str(len(CONTENT))
    assert response["Content-Disposition"] == "attachment; filename*=utf-8''B%C3%BCcher%20v1.zip"
    assert response.is_async == ("asgi" in request.node.name)

    async def pieces() -> list[bytes]:
        return [piece async for piece in response]

    found = asyncio.run(pieces()) if response.is_async else list(response)
    assert b"".join(found) == CONTENT
    assert len(found) > 1


def test_what_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        download(RequestFactory().get("/"), "exports/none", "x", "text/csv")
