"""Requests: the token, time limits, and when it is safe to ask again."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from darec_lab.errors import ApiError, ClientError, UnreachableError

Json = dict[str, Any]
LONG_POLL = 30.0
"""Seconds that the site may wait for a change before it answers."""
LONGEST_PAUSE = 120.0
"""Seconds that we wait at most before asking again, whatever the server says."""
_BUSY = (502, 503, 504)


class Transport:
    """Speaks to ``url``/api/v1 with a token.

    Args:
        url: of the site, such as ``https://lab.example.org``.
        timeout: seconds for connecting and for each pause within an answer.
        retries: how often a request is sent again at most.
        sleep: waits so many seconds; tests put an event in its place.
    """

    def __init__(
        self, url: str, token: str, timeout: float = 30.0, retries: int = 4, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ClientError(f"{url!r} is no address of a site.", "Write it with http:// or https://.")
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ClientError("There is no token, or it has characters that no token has.", "Make one on your profile page.")
        self.timeout, self.retries, self.sleep = timeout, retries, sleep
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        # Redirects are not followed: the token goes to this site alone.
        self._http = httpx.Client(base_url=f"{url.rstrip('/')}/api/v1", headers=headers, timeout=timeout)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def get(self, path: str, wait: float = 0, **parameters: Any) -> Any:
        """The JSON that a GET answers; ``parameters`` that are None are left out. ``wait``: seconds for a long poll."""
        if wait:
            parameters["wait"] = wait
        answer = self.send("GET", path, parameters=parameters, timeout=self.timeout + wait)
        return _json(answer)

    def post(self, path: str, body: Json | None = None, creates: bool = False) -> Any:
        """The JSON that a POST answers. ``creates``: sent with an Idempotency-Key, so that it may safely be sent again."""
        headers = {"Idempotency-Key": str(uuid.uuid4())} if creates else {}
        return _json(self.send("POST", path, body=body, headers=headers))

    def send(
        self,
        method: str,
        path: str,
        *,
        parameters: Json | None = None,
        body: Json | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> httpx.Response:
        """The answer, which is a success; raises ApiError or UnreachableError."""
        request = self._http.build_request(
            method,
            path,
            params={name: value for name, value in (parameters or {}).items() if value is not None},
            json=body,
            content=content,
            headers=headers,
            timeout=timeout or self.timeout,
        )
        return self._answer(request)

    def pages(self, path: str, **parameters: Any) -> Iterator[Json]:
        """All rows of a list with keyset pages; each page is asked for when its first row is."""
        cursor = ""
        while True:
            page = self.get(path, **{**parameters, "cursor": cursor or None})
            yield from page["items"]
            cursor = page["next"]
            if not cursor:
                return

    @contextmanager
    def stream(self, path: str, **parameters: Any) -> Iterator[Iterator[bytes]]:
        """The body of a GET in pieces, for files that do not fit in memory."""
        request = self._http.build_request("GET", path, params=parameters, headers={"Accept": "*/*"})
        answer = self._answer(request, stream=True)
        try:
            yield answer.iter_bytes()
        except httpx.TransportError as error:
            raise UnreachableError(f"The answer of {request.url} broke off: {error}.", "Try again.") from error
        finally:
            answer.close()

    def save(self, path: str, to: Path, **parameters: Any) -> Path:
        """Write the body of a GET to a file, which is there whole or not at all."""
        to.parent.mkdir(parents=True, exist_ok=True)
        unfinished = to.with_name(f".{to.name}.{uuid.uuid4().hex[:8]}.part")
        try:
            with self.stream(path, **parameters) as pieces, unfinished.open("wb") as sink:
                for piece in pieces:
                    sink.write(piece)
            return unfinished.replace(to)
        finally:
            unfinished.unlink(missing_ok=True)

    def _answer(self, request: httpx.Request, stream: bool = False) -> httpx.Response:
        repeatable = request.method in ("GET", "PUT", "DELETE") or "Idempotency-Key" in request.headers
        for attempt in range(self.retries + 1):
            last = attempt == self.retries
            try:
                answer = self._http.send(request, stream=True)
                if answer.is_success and stream:
                    return answer
                answer.read()
            except httpx.TransportError as error:
                if last or not repeatable:
                    hint = "Is the site up, and the address right?"
                    raise UnreachableError(f"{request.url} does not answer: {error or type(error).__name__}.", hint) from error
                self.sleep(_pause(attempt, None))
                continue
            if answer.is_success:
                return answer
            # One that is refused for its rate has done nothing, whatever its method.
            again = answer.status_code == httpx.codes.TOO_MANY_REQUESTS or (repeatable and answer.status_code in _BUSY)
            if last or not again:
                raise ApiError.from_answer(answer.status_code, answer.content, answer.headers.get("X-Request-ID"))
            self.sleep(_pause(attempt, answer.headers.get("Retry-After")))
        raise AssertionError("the last attempt returns or raises")


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise ApiError.from_answer(answer.status_code, answer.content, answer.headers.get("X-Request-ID")) from None


def _pause(attempt: int, said: str | None) -> float:
    """Seconds: what the server says, as a number or a date, else 0.5, 1, 2, 4, ..."""
    usual: float = 0.5 * 2**attempt
    if said is None:
        return usual
    try:
        seconds = float(said) if said.strip().isdigit() else parsedate_to_datetime(said).timestamp() - time.time()
    except ValueError:
        return usual
    return min(max(seconds, 0.0), LONGEST_PAUSE)
