"""Numbers and times as people read them. Views format; templates only place."""

import datetime
import re

from django.utils import timezone

_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
NOTHING = "\N{EN DASH}"
"""Stands where there is no value."""


def count(value: int | None) -> str:
    """``22363`` -> ``22,363``; None -> an en dash."""
    return NOTHING if value is None else f"{value:,}"


def score(value: float | None) -> str:
    """A metric between 0 and 1: ``.0445``; None -> an en dash."""
    if value is None:
        return NOTHING
    text = f"{value:.4f}"
    return text[1:] if text.startswith("0.") else text


def percent(fraction: float) -> str:
    """``.614`` -> ``61 %``."""
    return f"{int(fraction * 100)} %"


def rate(value: float | None) -> str:
    """Something per second: ``41,200`` or ``0.52``; None -> an en dash."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def duration(seconds: float | None) -> str:
    """``4 s``, ``12 min 30 s``, ``3 h 05 min``, ``2 d 4 h``; None -> an en dash."""
    if seconds is None:
        return NOTHING
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def moment(when: datetime.datetime | None) -> str:
    """``14:02`` for today, else ``2026-11-23 14:02`` (UTC); empty for None."""
    if when is None:
        return ""
    utc = when.astimezone(datetime.UTC)
    return utc.strftime("%H:%M" if utc.date() == timezone.now().date() else "%Y-%m-%d %H:%M")


def since(when: datetime.datetime | None, now: datetime.datetime | None = None) -> str:
    """How long ago: ``3 s``; an en dash for None."""
    return duration(((now or timezone.now()) - when).total_seconds()) if when else NOTHING


def size(number: float) -> str:
    """Bytes: ``512 B``, ``1.9 KB``, ``2,048 MB``."""
    if number < 1000:
        return f"{number:.0f} B"
    if number < 1024 * 1000:
        return f"{number / 1024:.1f} KB"
    return f"{number / 1024 / 1024:,.0f} MB"


def visible(text: str) -> str:
    """``text`` with what steers a terminal, or turns the direction of writing, as escapes: ``\\x1b``. Line breaks stay."""
    return _INVISIBLE.sub(_escape, text)


def _escape(found: "re.Match[str]") -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
