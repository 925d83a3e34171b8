"""A history in, items out: a question may take longer than one request."""

import time
from collections.abc import Sequence

from darec_lab.errors import EndedBadlyError, WaitedTooLongError
from darec_lab.transport import Json, Transport

Items = list[Json]
"""Recommended items, best first, each with id, title and score."""


def ask_for_items(
    transport: Transport, path: str, history: Sequence[str], k: int, timeout: float, wait: float = 0, name: str = "items"
) -> Items:
    """What is recommended after a history.

    Args:
        path: where the question is posted.
        history: ids of items as they stand in the data, oldest first.
        timeout: seconds.
        wait: seconds of the long poll, where the address has one.
        name: what the answer calls the items.
    """
    until = time.monotonic() + timeout
    answer = transport.post(path, {"history": list(history), "k": k})
    while answer["state"] == "asked":
        if time.monotonic() > until:
            raise WaitedTooLongError(f"No answer came in {timeout:.0f} s.", "Is an io worker running? Ask again later.")
        if not wait:
            transport.sleep(0.5)
        answer = transport.get(str(answer["url"]).removeprefix("/api/v1"), wait=wait)
    if answer["state"] != "answered":
        raise EndedBadlyError("The question", answer["state"], answer.get("error", ""), answer.get("hint", ""))
    items: Items = answer[name]
    return items
