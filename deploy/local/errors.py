"""What can go wrong with the local services, said in words for people."""

from pathlib import Path

from engine.errors import EngineError


class ServiceError(EngineError):
    """A service that cannot be started or reached."""


class SetupError(ServiceError):
    """A mistake of the person's: a wrong setting, a second start (exit code 2)."""


def last_lines(path: Path, count: int = 12) -> str:
    """The end of a log file; empty if there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - 16_384))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])
