"""What doctor asks of this machine: disks, packages, settings, and its clock beside the others'."""

import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import ERROR as CHECK_ERROR
from django.core.checks import run_checks
from django.db import connection
from django.utils import timezone

from webapp import broker
from webapp.fleet.models import WorkerNode
from webapp.fleet.standing import is_silent
from webapp.operations.findings import ERROR, OK, WARNING, Finding, room
from webapp.operations.machine import disks, pinned_packages, unlike_pinned
from webapp.storage import local_root

_OFF, _FAR = 2.0, 15.0
"""Seconds between two clocks that are odd, and that make heartbeats and signatures wrong."""
_LOCAL = {"127.0.0.1", "localhost", "[::1]", "::1"}
_SHORTEST_KEY = 32


def disk() -> Iterator[Finding]:
    """Is there room, here and where workers write?"""
    for name, (free, total) in disks().items():
        yield room(name, free, total)


def packages() -> Iterator[Finding]:
    """Are the installed packages those that were tested?"""
    unlike = unlike_pinned()
    if unlike:
        words = f"{len(unlike)} are not as constraints.txt says: {', '.join(unlike[:3])}."
        yield Finding("packages", WARNING, words, "Run: make setup (or build the image anew).")
    elif pinned_packages():
        yield Finding("packages", OK, "All are as constraints.txt says.")
    else:
        yield Finding(
            "packages", WARNING, "There is no constraints.txt beside the code to compare with.", "Keep the whole checkout."
        )


def safety() -> Iterator[Finding]:
    """Settings that are unsafe where others can reach the server, and what Django itself finds."""
    open_to_others = not set(settings.ALLOWED_HOSTS) <= _LOCAL
    found = []
    if settings.DEBUG:
        level = ERROR if open_to_others else WARNING
        found.append(Finding("settings", level, "DEBUG is on: error pages show code and settings.", "Set DEBUG=0."))
    if len(settings.SECRET_KEY) < _SHORTEST_KEY or len(set(settings.SECRET_KEY)) < 5:
        hint = "Set SECRET_KEY to 50 random characters; all sign in again then."
        found.append(Finding("settings", ERROR, "SECRET_KEY is short: sessions and tokens could be forged.", hint))
    if "*" in settings.ALLOWED_HOSTS:
        found.append(Finding("settings", WARNING, "ALLOWED_HOSTS is *: any name is answered to.", "Name the site's own names."))
    if open_to_others and not settings.HTTPS:
        hint = "Put a proxy with HTTPS in front, and set HTTPS=1."
        found.append(Finding("settings", WARNING, "HTTPS is off: passwords and cookies go over the network in clear.", hint))
    if settings.WEBHOOK_PRIVATE and open_to_others:
        hint = "Set WEBHOOK_PRIVATE=0 unless all who have an account may."
        found.append(Finding("settings", WARNING, "WEBHOOK_PRIVATE is on: people can send webhooks into your network.", hint))
    for message in run_checks(include_deployment_checks=settings.HTTPS):
        level = ERROR if message.level >= CHECK_ERROR else WARNING
        found.append(Finding("settings", level, f"{message.id}: {message.msg}", message.hint or ""))
    yield from found or [Finding("settings", OK, "Nothing unsafe was found.")]


def clocks() -> Iterator[Finding]:
    """This machine's clock beside those of database, broker and workers; and one disk that several hosts cannot share."""
    with connection.cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        (told,) = cursor.fetchone()
        yield _clock("the database", float(told) - (before + time.time()) / 2)
    at_broker = _broker_time()
    if at_broker is not None:
        yield _clock("the broker", at_broker)
    now = timezone.now()
    nodes = [node for node in WorkerNode.objects.all() if not is_silent(node, now)]
    for node in nodes:
        said = node.sample.get("clock")
        if isinstance(said, int | float):
            # Its row was written by the database's clock in the same moment.
            apart = _clock(str(node), said - node.heartbeat_at.timestamp(), "the database's")
            if apart.level != OK:
                yield apart
    hosts = {node.host for node in nodes}
    if len(hosts) > 1 and local_root() is not None:
        words = f"{len(hosts)} hosts work together, and the storage is a folder."
        yield Finding("storage", WARNING, words, "Unless all mount the same volume there, use an object store (STORAGE_URL).")


def _broker_time() -> float | None:
    """Seconds that the broker's clock is ahead; None where it is not Redis, or does not answer."""
    with broker.producer().connection_for_write() as link:
        try:
            client: Any = getattr(link.default_channel, "client", None)
            if client is None:
                return None
            before = time.time()
            seconds, micro = client.time()
        except (*link.connection_errors, *link.channel_errors):
            return None
        return float(seconds) + float(micro) / 1e6 - (before + time.time()) / 2


def _clock(whose: str, ahead: float, ours: str = "this machine's") -> Finding:
    way = "ahead of" if ahead > 0 else "behind"
    if abs(ahead) < _OFF:
        return Finding("clocks", OK, f"The clock of {whose} goes like {ours}.")
    level = ERROR if abs(ahead) > _FAR else WARNING
    words = f"The clock of {whose} is {abs(ahead):,.0f} s {way} {ours}."
    return Finding("clocks", level, words, "Let all machines ask the same time server (chrony, systemd-timesyncd).")
