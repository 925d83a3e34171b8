"""A machine of ours, its disks and its packages: workers report them, doctor compares them with what the release asks for."""

import os
import re
import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from django.conf import settings

from webapp.storage import local_root

_NAME = re.compile(r"^([A-Za-z0-9._-]+)")


def disks() -> dict[str, list[int]]:
    """Free bytes and all bytes of the disks that are written to, by what they are for; those that are there."""
    places = {
        "storage": local_root(),
        "temporary files": Path(tempfile.gettempdir()),
        "cache": Path(os.environ.get("DARECLAB_CACHE") or ""),
    }
    found = {}
    for name, place in places.items():
        folder = _nearest(place)
        if folder is not None:
            usage = shutil.disk_usage(folder)
            found[name] = [usage.free, usage.total]
    return found


def _nearest(place: Path | None) -> Path | None:
    """The folder, or the one above it that it would be made in; None for no absolute place."""
    if place is None or not place.is_absolute():
        return None
    return next(folder for folder in (place, *place.parents) if folder.is_dir())


def installed_packages() -> dict[str, str]:
    """The versions of the packages that this software asks for; none where it is not installed itself."""
    try:
        asked = requires("darec-lab") or []
    except PackageNotFoundError:
        return {}
    names = [match[1] for line in asked if "extra ==" not in line and (match := _NAME.match(line))]
    return {name: found for name in names if (found := _version(name))}


def pinned_packages() -> dict[str, str]:
    """The versions that constraints.txt asks for; none where the file is not there."""
    file = Path(settings.ROOT) / "constraints.txt"
    if not file.is_file():
        return {}
    lines = (line.partition("==") for line in file.read_text(encoding="utf-8").splitlines() if "==" in line and line[0] != "#")
    return {name.strip(): pinned.partition(";")[0].strip() for name, _, pinned in lines}


def unlike_pinned() -> list[str]:
    """Packages of constraints.txt that are installed in another version, in words; those that are not installed are left out."""
    found = ((name, pinned, _version(name)) for name, pinned in pinned_packages().items())
    # torch says 2.13.0+cpu of the same release.
    return [f"{name} {has} instead of {pinned}" for name, pinned, has in found if has and has.partition("+")[0] != pinned]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
