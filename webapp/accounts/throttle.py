"""Guessing is slow: after some failures one waits, twice as long after each further one, a quarter of an hour at most.

Counted in Postgres, for all web processes together, under keyed hashes of the names and addresses. Nobody is kept out for ever by
what others do: of a browser in which somebody signed in before, only its own failures count against that account.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from django.core import signing
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from webapp.accounts.keyed import digest
from webapp.accounts.models import FailedTry

DEVICE_COOKIE = "known_device"
_SALT = "known device"
_DEVICE_KEPT = datetime.timedelta(days=180)
_FORGOTTEN = datetime.timedelta(hours=1)
"""After so long without a failure the count begins anew."""
_SHORTEST, _LONGEST = 15.0, 900.0
"""Seconds that one waits after the first failure too many, and at most."""
_SWEPT = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Counted:
    """What failures are counted for: of ``what``, by ``who``; ``free`` of them cost nothing."""

    what: str
    who: str
    free: int

    @property
    def key(self) -> str:
        """Its row: whoever reads the table learns neither names nor addresses."""
        return digest(f"failed try: {self.what}", self.who)


def sign_in_counts(request: HttpRequest, username: str) -> list[Counted]:
    """What a sign-in as ``username`` is counted for. The same for names that nobody has: it must not tell which there are."""
    name, address = username.strip().casefold()[:150], client_network(request)
    if _known_device(request, name):
        return [Counted("device", f"{name}\n{request.COOKIES[DEVICE_COOKIE]}", 5)]
    return [Counted("account here", f"{name}\n{address}", 5), Counted("account", name, 25), Counted("address", address, 50)]


def wrong_tokens(request: HttpRequest) -> list[Counted]:
    """API tokens that do not exist, from one address."""
    return [Counted("token", client_network(request), 100)]


def wrong_links(request: HttpRequest) -> list[Counted]:
    """Invitations that do not exist, from one address."""
    return [Counted("invitation", client_network(request), 20)]


@transaction.atomic
def begin_try(counts: Sequence[Counted]) -> int:
    """Count a try as if it had failed, so that many at once are no way around; 0, or the seconds that one has to wait first.

    A try that has to wait is not counted. Say ``succeeded`` if it was none of those that fail.
    """
    now = timezone.now()
    FailedTry.objects.bulk_create([FailedTry(key=one.key, last_at=now) for one in counts], ignore_conflicts=True)
    # In the order of keys, as everybody locks them.
    rows = {
        row.key: row for row in FailedTry.objects.select_for_update().filter(key__in=[one.key for one in counts]).order_by("key")
    }
    waiting = max((row.until - now).total_seconds() if row.until else 0.0 for row in rows.values())
    if waiting > 0:
        return int(waiting) + 1
    for one in counts:
        row = rows[one.key]
        row.failures = 1 if now - row.last_at > _FORGOTTEN else row.failures + 1
        row.last_at = now
        beyond = row.failures - one.free
        row.until = now + datetime.timedelta(seconds=min(_SHORTEST * 2 ** min(beyond, 10), _LONGEST)) if beyond >= 0 else None
        row.save(update_fields=["failures", "last_at", "until"])
    FailedTry.objects.filter(last_at__lt=now - _SWEPT).delete()
    return 0


@transaction.atomic
def succeeded(counts: Sequence[Counted]) -> None:
    """The try that was begun did not fail: what the person alone did is forgotten, of the rest this one try."""
    own, *shared = [one.key for one in counts]
    FailedTry.objects.filter(key=own).delete()
    FailedTry.objects.filter(key__in=shared).update(failures=Greatest(F("failures") - 1, 0), until=None)


def know_device(response: HttpResponse, request: HttpRequest, username: str) -> None:
    """Mark the browser as one in which this account signed in."""
    value = signing.dumps(username.strip().casefold(), salt=_SALT)
    age = int(_DEVICE_KEPT.total_seconds())
    response.set_cookie(DEVICE_COOKIE, value, max_age=age, secure=request.is_secure(), httponly=True, samesite="Lax")


def client_network(request: HttpRequest) -> str:
    """The address that the request came from; of IPv6 the network that one household has."""
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        # A socket file has no address.
        return ""
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def wait_words(seconds: int) -> str:
    """How long one waits, for people."""
    return f"{seconds} seconds" if seconds <= 90 else f"{-(-seconds // 60)} minutes"


def _known_device(request: HttpRequest, name: str) -> bool:
    try:
        known = signing.loads(request.COOKIES.get(DEVICE_COOKIE, ""), salt=_SALT, max_age=_DEVICE_KEPT)
    except signing.BadSignature:
        return False
    return bool(known == name)
