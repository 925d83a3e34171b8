"""A home for Postgres, which refuses to run as root.

As root, the server runs as the user ``nobody``, and the checkout may lie where that user cannot go (below /root, say).
The permissions of folders that are not ours stay as they are: the data, and if need be a copy of the programs, then
live in a folder of their own below /var/tmp.
"""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from deploy.local.errors import ServiceError

USER = "nobody"
_ELSEWHERE = Path("/var/tmp")  # noqa: S108  # nosec B108  # ownership is checked below


def server_user() -> str:
    """The user that the server runs as: empty for our own, another one if we are root."""
    return USER if os.geteuid() == 0 else ""


def reachable(folder: Path) -> bool:
    """Whether the server's user can enter ``folder``."""
    entry = pwd.getpwnam(USER)
    probe = subprocess.run(
        ["test", "-x", str(folder), "-a", "-r", str(folder)],
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=[],
        check=False,
    )
    return probe.returncode == 0


def server_home(folder: Path) -> Path:
    """The folder below ``folder`` (or in its stead) that the server's user owns; raises ServiceError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    parent = own_folder(folder) if server_user() and not reachable(folder) else folder
    home = parent / "cluster"
    home.mkdir(exist_ok=True, mode=0o700)
    give(home)
    return home


def own_folder(folder: Path) -> Path:
    """A folder below /var/tmp that belongs to us and stands for ``folder``; raises ServiceError if somebody else made it."""
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    path = _ELSEWHERE / f"dareclab-{os.geteuid()}-{digest}"
    path.mkdir(mode=0o711, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ServiceError(f"{path} was made by another user.", "Remove it, or set DARECLAB_HOME to another folder.")
    path.chmod(0o711)
    return path


def server_programs(install: Path, folder: Path) -> Path:
    """``install`` (with bin, lib and share), or a copy of it that the server's user can reach.

    The wheel keeps shared libraries beside the package, in ``<package>.libs``, and finds them by relative path.
    """
    if not server_user() or reachable(install / "bin"):
        return install
    package = install.parent
    source = install.stat()
    stamp = hashlib.sha256(f"{install} {source.st_mtime_ns} {source.st_ino}".encode()).hexdigest()[:12]
    copy = own_folder(folder) / f"programs-{stamp}"
    if not copy.is_dir():
        half = copy.with_name(f"{copy.name}.{os.getpid()}")
        unused = shutil.ignore_patterns("include", "*.a", "pkgconfig")
        shutil.copytree(install, half / package.name / install.name, symlinks=True, ignore=unused)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        for path in (half, *half.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        half.rename(copy)
    return copy / package.name / install.name


def remove_own_folder(folder: Path) -> None:
    """Remove what stands for ``folder`` below /var/tmp, if anything does."""
    if server_user():
        shutil.rmtree(own_folder(folder))


def give(path: Path) -> None:
    """Make the server's user the owner of ``path``."""
    if server_user():
        entry = pwd.getpwnam(USER)
        os.chown(path, entry.pw_uid, entry.pw_gid)
