"""Secrets do not belong into logs: those of our settings, and what looks like one."""

import re
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from webapp.environment import env

HIDDEN = "***"
SECRETS = (
    "SECRET_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "HF_TOKEN",
)
URLS = ("DATABASE_URL", "BROKER_URL", "EMAIL_URL", "MLFLOW_TRACKING_URI")
_SHORTEST = 8
"""A shorter secret stands in too many words; it is hidden where it looks like one."""
_PATTERNS = (
    (re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # Of tokens and invitations the part by which they are looked up may stay: it says which one it was.
    (re.compile(r"\b(darec_\w{1,16}?_)[\w-]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(/join/\w{1,16}?_)[^\s/?\"']+"), rf"\1{HIDDEN}"),
    (
        re.compile(r"((?:password|passwd|secret|token|api[_-]?key|sessionid)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;)]+", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
)


def known_secrets() -> list[str]:
    """The secrets of the settings, long ones first."""
    found = set()
    for name in SECRETS + URLS:
        # A file that is missing is said by whoever needs what is in it.
        with suppress(OSError, ValueError):
            value = env(name) or ""
            secret = (urlsplit(value).password or "") if name in URLS else value
            found |= {secret, unquote(secret)}
    return sorted((secret for secret in found if len(secret) >= _SHORTEST), key=len, reverse=True)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` with ``***`` in the place of ``secrets``, of passwords in addresses, and of tokens."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    for pattern, hidden in _PATTERNS:
        text = pattern.sub(hidden, text)
    return text
