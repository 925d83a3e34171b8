"""Addresses that a person may have notices sent to, and how these are signed.

A server that posts wherever people say could be made to reach what only it can reach (its own machine, the network behind the
firewall). So an address is refused unless every number that its name stands for is a public one; whoever sends connects to that
very number.
"""

import hashlib
import hmac
import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from engine.errors import UserError
from webapp.notices.models import Preferences

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_MOST = 500
_INTERNAL = UserError(
    "The webhook's host is not a public one.",
    "Use a host of the internet, or have WEBHOOK_PRIVATE set on this server.",
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Webhook:
    """A checked address: where to connect, and what to ask for there."""

    secure: bool
    host: str
    port: int
    target: str


def read_webhook(url: str) -> Webhook:
    """Check what can be seen without asking anybody. Raises UserError, with what must be changed."""
    if len(url) > _MOST or not url.isascii() or any(sign.isspace() or not sign.isprintable() for sign in url):
        raise UserError("The webhook's address has signs that addresses do not have.", f"At most {_MOST} ASCII characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UserError(f"The webhook's address cannot be read: {error}.", "Write it as https://host/path.") from error
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise UserError("The webhook's address must begin with https:// and name a host.", "Write it as https://host/path.")
    if parts.username is not None or parts.password is not None:
        raise UserError("The webhook's address holds a user name or password.", "Check the signature with the secret instead.")
    if parts.scheme == "http" and not (settings.WEBHOOK_PRIVATE and _names_this_machine(parts.hostname)):
        raise UserError("The webhook's address must begin with https://.", "Plain http would show notices to others.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    secure = parts.scheme == "https"
    webhook = Webhook(secure, parts.hostname, port or (443 if secure else 80), target)
    number = _number(parts.hostname)
    if number is not None:
        _require_allowed(number)
    return webhook


def resolve(webhook: Webhook) -> str:
    """The number to connect to. Raises UserError if the name stands for none, or for one that may not be reached."""
    try:
        found = socket.getaddrinfo(webhook.host, webhook.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UserError("The webhook's host is not known.", "Check the address.") from error
    numbers = [str(entry[4][0]) for entry in found]
    for number in numbers:
        _require_allowed(ipaddress.ip_address(number.partition("%")[0]))
    if not webhook.secure and not all(ipaddress.ip_address(number.partition("%")[0]).is_loopback for number in numbers):
        raise UserError("Plain http is for this machine alone.", "Use https.")
    return numbers[0]


def secret_of(preferences: Preferences) -> str:
    """The secret that signs this person's webhooks: 64 hexadecimal digits."""
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, f"webhook:{preferences.user_id}:{preferences.webhook_salt}".encode(), hashlib.sha256).hexdigest()


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The value of ``X-DARec-Signature``: HMAC-SHA256 over ``<timestamp>.<body>``; the time is there against replays."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def is_public(number: Address) -> bool:
    """Whether ``number`` is one of the internet's, also where it wraps an IPv4 number."""
    inner: Address | None = None
    if isinstance(number, ipaddress.IPv6Address):
        inner = number.ipv4_mapped or number.sixtofour or (number.teredo[1] if number.teredo else None)
        if inner is None and number in _NAT64:
            inner = ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
    fine = number.is_global and not number.is_multicast and not number.is_reserved
    return is_public(inner) if inner is not None else fine


def _require_allowed(number: Address) -> None:
    if not settings.WEBHOOK_PRIVATE and not is_public(number):
        raise _INTERNAL


def _names_this_machine(host: str) -> bool:
    number = _number(host)
    return host == "localhost" or (number is not None and number.is_loopback)


def _number(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
