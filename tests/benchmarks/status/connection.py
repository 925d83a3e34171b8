"""A client of REST as cheap as it can be, so that what is measured is the server: one kept connection, few bytes looked at."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Connection:
    """One connection to ``address`` with a bearer ``token``; it is opened with the first request."""

    address: str
    token: str = ""
    _reader: asyncio.StreamReader | None = field(default=None, repr=False)
    _writer: asyncio.StreamWriter | None = field(default=None, repr=False)

    async def get(self, path: str, seconds: float = 60.0) -> tuple[int, bytes]:
        """Status and body; raises OSError, TimeoutError or asyncio.IncompleteReadError."""
        parts = urlsplit(self.address)
        async with asyncio.timeout(seconds):
            if self._writer is None or self._writer.is_closing():
                self._reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port)
            assert self._reader is not None
            bearer = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
            self._writer.write(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{bearer}\r\n".encode())
            head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            status = int(head[9:12])
            if b"transfer-encoding: chunked" in head:
                body = await _chunks(self._reader)
            else:
                length = head.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
                body = await self._reader.readexactly(int(length or 0))
            if b"\r\nconnection: close" in head:
                self._writer.close()
            return status, body

    def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body
