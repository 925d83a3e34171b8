"""A browser as far as the server can tell: one kept connection, a cookie, and htmx's habit of asking again."""

import asyncio
import html
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_POLL = re.compile(r'<div id="([\w-]+)"[^>]*?hx-get="([^"]+)"[^>]*?hx-trigger="every (\d+)s[^"]*"')
_SEEN = re.compile(r'id="seen"[^>]*value="([^"]*)"')
_SECONDS = 30.0
STOPPED = 286


@dataclass
class Answer:
    """``seconds`` until the last byte."""

    status: int
    body: str
    seconds: float
    stamp: str = ""


@dataclass
class Browser:
    """One connection to ``address`` that is kept open; a lost one is opened again."""

    address: str
    cookie: str
    _reader: asyncio.StreamReader | None = field(default=None, repr=False)
    _writer: asyncio.StreamWriter | None = field(default=None, repr=False)

    async def get(self, path: str, *, part: bool = False, seen: str = "") -> Answer:
        """Ask for a page, or for a part of it as htmx does; ``seen`` is the stamp of the part's last answer."""
        async with asyncio.timeout(_SECONDS):
            begin = time.perf_counter()
            if self._writer is None or self._writer.is_closing():
                parts = urlsplit(self.address)
                self._reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port)
            assert self._reader is not None
            head = f"GET {path} HTTP/1.1\r\nHost: {urlsplit(self.address).netloc}\r\nCookie: {self.cookie}\r\n"
            head += "HX-Request: true\r\n" if part else "Accept: text/html\r\n"
            self._writer.write(f"{head}{f'X-Seen: {seen}' if seen else 'X-None: 1'}\r\n\r\n".encode())
            await self._writer.drain()
            lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            names = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            body = await self._reader.readexactly(int(names.get("content-length", 0)))
            if names.get("connection", "").lower() == "close":
                self._writer.close()
            return Answer(int(lines[0].split()[1]), body.decode(), time.perf_counter() - begin, names.get("x-stamp", ""))

    def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()


@dataclass(frozen=True)
class Poll:
    """What a page asks for by itself: ``path`` every ``seconds``."""

    path: str
    seconds: float


def find_poll(body: str, page: str) -> Poll | None:
    """The part that a page refreshes; None if it has none that is on."""
    found = _POLL.search(body)
    if found is None:
        return None
    path = html.unescape(found[2])
    return _with_seen(Poll(path if path.startswith("/") else page.partition("?")[0] + path, float(found[3])), body)


def find_next(poll: Poll, body: str, page: str) -> Poll:
    """What is asked next, after ``body`` came: a part may bring another address, or what is now seen, along."""
    return find_poll(body, page) or _with_seen(poll, body)


def _with_seen(poll: Poll, body: str) -> Poll:
    seen = _SEEN.search(body)
    if seen is None:
        return poll
    path = re.sub(r"[?&]seen=[^&]*", "", poll.path)
    return Poll(f"{path}{'&' if '?' in path else '?'}seen={seen[1]}", poll.seconds)
