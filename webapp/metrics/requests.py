"""Counting requests. Each web process collects, and hands over to Redis every few seconds, where those of all processes add up.

So whichever process Prometheus happens to ask, counters only grow; a process that ends takes its
last seconds with it. Where the broker is not Redis, or is away, a process shows its own.
"""

import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from webapp.metrics.exposition import Family
from webapp.redis_link import redis_link

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds."""
_KEY = "dareclab:requests"
_HANDED_OVER_EVERY = 5.0
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_BETWEEN = "\x1f"


def count_requests(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Count each request by view and status, and how long it took to be answered (a stream: until it begins)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        begin = time.perf_counter()
        response = get_response(request)
        match = request.resolver_match
        # Addresses are endless, views are not.
        view = (match.view_name or match.route) if match else "none"
        method = request.method if request.method in _METHODS else "other"
        REQUESTS.count(view, str(method), response.status_code, time.perf_counter() - begin)
        return response

    return middleware


class Requests:
    """What was counted and not yet handed over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._next = time.monotonic() + _HANDED_OVER_EVERY

    def count(self, view: str, method: str, status: int, seconds: float) -> None:
        """Add one request."""
        with self._lock:
            self._numbers[_BETWEEN.join(("n", view, method, str(status)))] += 1
            self._numbers[_BETWEEN.join(("b", view, str(bisect_left(BOUNDS, seconds))))] += 1
            self._seconds[_BETWEEN.join(("s", view))] += seconds
            due = time.monotonic() >= self._next
        if due:
            self.hand_over()

    def hand_over(self) -> None:
        """Add it to what all processes counted. Where Redis does not answer it is kept for the next time."""
        link = redis_link()
        with self._lock:
            self._next = time.monotonic() + _HANDED_OVER_EVERY
            if link is None or not self._numbers:
                return
            numbers, seconds = self._numbers, self._seconds
            self._numbers, self._seconds = Counter(), defaultdict(float)

        def send(client: Any) -> bool:
            pipeline = client.pipeline(transaction=True)
            for name, value in numbers.items():
                pipeline.hincrby(_KEY, name, value)
            for name, total in seconds.items():
                pipeline.hincrbyfloat(_KEY, name, total)
            pipeline.execute()
            return True

        if link.ask(send) is None:
            with self._lock:
                self._numbers.update(numbers)
                for name, total in seconds.items():
                    self._seconds[name] += total

    def families(self) -> list[Family]:
        """The requests of all processes, or of this one alone where Redis does not answer."""
        self.hand_over()
        link = redis_link()
        known: dict[bytes, bytes] | None = link.ask(lambda client: client.hgetall(_KEY)) if link else None
        if known is not None:
            values = {name.decode(): float(value) for name, value in known.items()}
        else:
            with self._lock:
                values = {**self._numbers, **self._seconds}
        return _families(values)


def _families(values: dict[str, float]) -> list[Family]:
    requests = Family("dareclab_http_requests_total", "counter", "Requests answered, by view, method and status.")
    seconds = Family("dareclab_http_request_seconds", "histogram", "Time until the answer began, by view.")
    counts: dict[str, list[int]] = {}
    for name, value in sorted(values.items()):
        kind, view, *more = name.split(_BETWEEN)
        if kind == "n":
            requests.add(value, {"view": view, "method": more[0], "status": more[1]})
        elif kind == "b":
            counts.setdefault(view, [0] * (len(BOUNDS) + 1))[int(more[0])] += int(value)
    for view, buckets in counts.items():
        seconds.add_histogram({"view": view}, BOUNDS, buckets, values.get(_BETWEEN.join(("s", view)), 0.0))
    return [requests, seconds]


REQUESTS = Requests()
