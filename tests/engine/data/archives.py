"""Zip archives made by hand, good and bad, for the tests of engine.data."""

import stat
import struct
import zipfile
from pathlib import Path

LOG = b"user_id,item_id,timestamp\nu1,i1,1600000000\nu2,i2,1600000100\n"


def write_zip(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            info.filename = info.orig_filename = name  # as it stands: zipfile would mend it
            info.compress_type = method
            archive.writestr(info, content)
    return path


def write_special(path: Path, kind: int) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("interactions.csv")
        info.create_system = 3
        info.external_attr = (kind | 0o644) << 16
        archive.writestr(info, "/etc/passwd" if kind == stat.S_IFLNK else "")
    return path


def patch_directory(path: Path, offset: int, form: str, value: int) -> Path:
    """Change a field of each entry of the central directory (at ``offset`` there), so that it lies."""
    data = bytearray(path.read_bytes())
    start = data.find(b"PK\x01\x02")
    while start >= 0:
        struct.pack_into(form, data, start + offset, value)
        start = data.find(b"PK\x01\x02", start + 1)
    path.write_bytes(bytes(data))
    return path
