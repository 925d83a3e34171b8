"""Keeps one service on a leash: runs a command so that neither it nor anything below it outlives us.

Run by path, as ``python -I -S leash.py OPTIONS -- COMMAND``, with the standard library only, so that it starts in a few
milliseconds. The leash dies with its parent (PR_SET_PDEATHSIG), the command dies with the leash, and whatever the command
left behind comes back to the leash (PR_SET_CHILD_SUBREAPER) and is killed. Linux only.

SIGTERM stops the command with the signal named by ``--signal``; after ``--limit`` seconds, or at a second SIGTERM, all is killed.
The exit status is the command's, or 128 + the signal that ended it.
"""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
_WATCHED = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


def prctl(option: int, value: int) -> None:
    """Call prctl(2); raises OSError."""
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}, {value}): {os.strerror(number)}")


def descendants(root: int) -> list[int]:
    """Ids of all processes below ``root``, zombies left out."""
    children: dict[int, list[int]] = {}
    zombies = set()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(fields[1]), []).append(int(name))
        if fields[0] in (b"Z", b"X"):
            zombies.add(int(name))
    found: list[int] = []
    waiting = list(children.get(root, ()))
    while waiting:
        process = waiting.pop()
        found.append(process)
        waiting.extend(children.get(process, ()))
    return [process for process in found if process not in zombies]


def kill_descendants(root: int) -> None:
    """Kill all processes below ``root``, until none is left: those killed first cannot start others meanwhile."""
    deadline = time.monotonic() + 5
    while (found := descendants(root)) and time.monotonic() < deadline:
        for process in found:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.01)


def _start(options: argparse.Namespace) -> "subprocess.Popen[bytes]":
    def before_exec() -> None:
        # After the change of user, which clears the death signal.
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    account: dict[str, object] = {}
    if options.user:
        import pwd

        entry = pwd.getpwnam(options.user)
        account = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        options.command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=before_exec, **account
    )


def _reap(main: int) -> int | None:
    """Collect ended children; the exit status of ``main`` if it is among them."""
    status = None
    while True:
        try:
            process, raw = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if process == 0:
            return status
        if process == main:
            code = os.waitstatus_to_exitcode(raw)
            status = code if code >= 0 else 128 - code


def hold(options: argparse.Namespace) -> int:
    """Start the command and wait for its end, or for the order to stop it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != options.parent:
        return 128 + signal.SIGTERM
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    main = _start(options).pid
    deadline: float | None = None
    status = None
    while status is None:
        wait = 3600.0 if deadline is None else max(0.0, deadline - time.monotonic())
        got = signal.sigtimedwait(_WATCHED, wait)
        if got is not None and got.si_signo != signal.SIGCHLD and deadline is None:
            deadline = time.monotonic() + options.limit
            os.kill(main, signal.Signals[options.signal])
        elif (got is None and deadline is not None) or (got is not None and got.si_signo != signal.SIGCHLD):
            kill_descendants(os.getpid())
        status = _reap(main)
    kill_descendants(os.getpid())
    return status


def main() -> int:
    """Read the options and hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parent", type=int, required=True, help="process that the leash must not outlive")
    parser.add_argument("--signal", default="SIGTERM", help="name of the signal that asks the command to stop")
    parser.add_argument("--limit", type=float, default=10.0, help="seconds until it is killed")
    parser.add_argument("--user", default="", help="name of the user to become (root only)")
    parser.add_argument("command", nargs="+")
    return hold(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
