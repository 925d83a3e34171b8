"""Keyed hashes of secrets that people hold: what is stored is of no use to whoever reads the database."""

import hashlib
import hmac

from django.conf import settings


def digest(purpose: str, secret: str) -> str:
    """The hash of ``secret`` under this site's key, 64 hexadecimal digits; another ``purpose`` gives another one."""
    key = hashlib.sha256(purpose.encode() + b"\x00" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()


def same(known: str | None, given: str) -> bool:
    """Whether two digests are equal, in equal time also where none is known: it must not tell which look-up parts exist."""
    return hmac.compare_digest(known or "0" * 64, given)
