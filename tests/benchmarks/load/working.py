"""People who launch runs and upload files by REST, and keep a record of what they were promised."""

import asyncio
import hashlib
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import httpx

PART = 8 * 2**20
_LINE = b"user-%07d,item-%05d,%d\n"


@dataclass
class Promised:
    """What was answered, to be looked for afterwards, and the seconds of each request by what was asked.

    Attributes:
        runs: ids of launched runs, one for each answer that was not a repetition.
        versions: id of a version and the SHA-256 of the file that was sent for it.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    runs: list[int] = field(default_factory=list)
    versions: dict[int, str] = field(default_factory=dict)
    sent_bytes: int = 0
    problems: list[str] = field(default_factory=list)


async def launch(address: str, token: str, version: int, number: int, end: float, pause: float, seen: Promised) -> None:
    """One person: a run now and then, until ``end``; each third request is sent twice with its key, as after a lost answer."""
    async with _client(address, token) as client:
        count = 0
        while time.monotonic() < end:
            body = {"version": version, "preset": "sasrec", "settings": {"training.seed": 1000 * number + count}}
            key = {"Idempotency-Key": uuid.uuid4().hex}
            answer = await _ask(client, "launch", "POST", "/api/v1/runs", 201, seen, json=body, headers=key)
            if answer is not None:
                seen.runs.append(answer["id"])
                if count % 3 == 0:
                    again = await _ask(client, "launch again", "POST", "/api/v1/runs", 201, seen, json=body, headers=key)
                    if again is not None and again["id"] != answer["id"]:
                        seen.problems.append(f"the same key made two runs, {answer['id']} and {again['id']}")
                state = await _ask(client, "status", "GET", f"/api/v1/runs/{answer['id']}", 200, seen)
                if state is not None and state["state"] != "queued":
                    seen.problems.append(f"run {answer['id']} is {state['state']} before any worker is there")
            count += 1
            await asyncio.sleep(pause)


async def upload(address: str, token: str, number: int, size: int, end: float, pause: float, seen: Promised) -> None:
    """One person: a file of ``size`` bytes in parts, a version of it, and ``pause`` seconds later the next until ``end``."""
    async with _client(address, token) as client:
        count = 0
        while count == 0 or time.monotonic() < end:
            await _upload_one(client, f"load {number}-{count}", size, seen)
            count += 1
            if time.monotonic() < end:
                await asyncio.sleep(pause)


async def _upload_one(client: httpx.AsyncClient, name: str, size: int, seen: Promised) -> None:
    files = [{"role": "interactions", "name": f"{name}.csv", "size": size}]
    begun = await _ask(client, "upload", "POST", "/api/v1/uploads", 201, seen, json={"files": files, "name": name})
    if begun is None:
        return
    whole, path = hashlib.sha256(), f"/api/v1/uploads/{begun['key']}"
    for part in range(-(-size // PART)):
        content = content_of(name, part, min(PART, size - part * PART))
        whole.update(content)
        headers = {"X-Part-SHA256": hashlib.sha256(content).hexdigest(), "Content-Type": "application/octet-stream"}
        address = f"{path}/interactions/parts/{part}"
        if await _ask(client, "part of 8 MiB", "PUT", address, 200, seen, content=content, headers=headers) is None:
            return
        seen.sent_bytes += len(content)
    made = await _ask(client, "version", "POST", f"{path}/version", 201, seen, json={"filters": {"core": 0}})
    if made is not None:
        seen.versions[made["id"]] = whole.hexdigest()


def content_of(name: str, part: int, size: int) -> bytes:
    """``size`` bytes of a log: rows that differ by file and part, cut where the part ends; the first one has the heading."""
    seed = int.from_bytes(hashlib.sha256(f"{name} {part}".encode()).digest()[:4], "big")
    rows = b"".join(_LINE % ((seed + row) % 10**7, row % 10**5, seed + row) for row in range(1000))
    text = (b"user_id,item_id,timestamp\n" if part == 0 else b"") + rows * (size // len(rows) + 1)
    return text[:size]


def _client(address: str, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60)


async def _ask(
    client: httpx.AsyncClient, what: str, method: str, path: str, wanted: int, seen: Promised, **more: Any
) -> dict[str, Any] | None:
    begin = time.perf_counter()
    try:
        answer = await client.request(method, path, **more)
    except httpx.HTTPError as error:
        seen.problems.append(f"{what}: {error!r}")
        return None
    seen.seconds[what].append(time.perf_counter() - begin)
    if answer.status_code != wanted:
        seen.problems.append(f"{what}: {answer.status_code} {answer.text[:200]}")
        return None
    found: dict[str, Any] = answer.json()
    return found
