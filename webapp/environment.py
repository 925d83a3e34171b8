"""Reading settings from the environment, secrets from ``NAME_FILE`` too."""

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def env(name: str, default: str | None = None) -> str | None:
    """The variable ``name``, else the content of the file that ``NAME_FILE`` names, else ``default``."""
    if name in os.environ:
        return os.environ[name]
    path = os.environ.get(f"{name}_FILE")
    return Path(path).read_text(encoding="utf-8").strip() if path else default


def envbool(name: str, default: bool) -> bool:
    """A switch: 1, true, yes, on or 0, false, no, off; raises ImproperlyConfigured for anything else."""
    text = env(name)
    if text is None or text == "":
        return default
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ImproperlyConfigured(f"{name}: got {text!r}, must be 1 or 0")


def envint(name: str, default: int) -> int:
    """A whole number; raises ImproperlyConfigured for anything else."""
    text = env(name)
    if text is None or text == "":
        return default
    try:
        return int(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: got {text!r}, must be a whole number") from error


def envnumber(name: str, default: float) -> float:
    """A finite number, 0 or more; raises ImproperlyConfigured for anything else."""
    text = env(name)
    if text is None or text == "":
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ImproperlyConfigured(f"{name}: got {text!r}, must be a number, 0 or more")
    return value


def networks(name: str, text: str) -> list[IPv4Network | IPv6Network]:
    """The addresses and networks in ``text``, with commas between them, of the variable ``name``; raises ImproperlyConfigured."""
    try:
        return [ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}. Write addresses or networks such as 10.0.0.0/8, with commas.") from error
