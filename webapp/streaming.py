"""Stored files and what is made on the way as downloads, a piece at a time."""

from collections.abc import AsyncIterator, Iterator
from typing import IO

from asgiref.sync import sync_to_async
from django.core.files.storage import default_storage
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

_CHUNK = 2**16


def download(request: HttpRequest, key: str, name: str, content_type: str) -> StreamingHttpResponse:
    """The stored file ``key`` as a download called ``name``; raises FileNotFoundError if there is none.

    It never is in memory as a whole.
    """
    stream = default_storage.open(key)
    # Under ASGI Django would first read a plain iterator to its end.
    pieces = _asynchronous(stream) if isinstance(request, ASGIRequest) else _plain(stream)
    response = StreamingHttpResponse(pieces, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    response["Content-Length"] = str(default_storage.size(key))
    return response


def download_pieces(request: HttpRequest, pieces: Iterator[bytes], name: str, content_type: str) -> StreamingHttpResponse:
    """What ``pieces`` yields as a download called ``name``; ``pieces`` may ask the database."""
    content = _asynchronous_pieces(pieces) if isinstance(request, ASGIRequest) else pieces
    response = StreamingHttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response


async def _asynchronous_pieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    def following() -> bytes | None:
        return next(pieces, None)

    while (piece := await sync_to_async(following)()) is not None:
        yield piece


def _plain(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


async def _asynchronous(stream: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while chunk := await sync_to_async(stream.read)(_CHUNK):
            yield chunk
    finally:
        await sync_to_async(stream.close)()
