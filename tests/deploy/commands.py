"""The commands of the services, as a map from option to value, so that files of different kinds can be compared."""

from collections.abc import Sequence

from deploy.local.services import BEAT_COMMAND, CONCURRENCY, REAPER_COMMAND, web_command, worker_command

Command = dict[str, str]
_MAY_DIFFER = ("--host", "--port", "--hostname", "--workers", "--concurrency")
"""Where it listens, what it is called and how much it does at once: that hangs on the place."""


def parse(arguments: Sequence[str]) -> Command:
    """The words after ``python -m``: positions as 0, 1, ...; options with their values, of which some are left out."""
    found: Command = {}
    words = list(arguments)
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            found[str(len([key for key in found if key.isdigit()]))] = word
            continue
        name, sign, value = word.partition("=")
        if not sign and words and not words[0].startswith("-"):
            value = words.pop(0)
        found[name] = "" if name in _MAY_DIFFER else value
    return found


def local_commands() -> dict[str, Command]:
    """What the supervisor of one machine starts, by the name of the service."""
    workers = {f"worker-{queue}": worker_command(queue, "node", str(number)) for queue, number in CONCURRENCY.items()}
    every = {"web": web_command("127.0.0.1", "8000", "2"), **workers, "beat": BEAT_COMMAND, "reaper": REAPER_COMMAND}
    return {name: parse(command) for name, command in every.items()}


def after_python(command: Sequence[str]) -> list[str]:
    """The words after ``python -m``; AssertionError where a command begins otherwise."""
    assert command[0].endswith("python"), command
    assert command[1] == "-m", command
    return list(command[2:])
