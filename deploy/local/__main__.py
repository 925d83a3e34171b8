"""``python -m deploy.local up | status | stop | manage ...``: the services of this machine."""

import argparse
import os
import signal
import subprocess
import sys
import time

from deploy.local.errors import ServiceError, SetupError
from deploy.local.home import ROOT, Home, Lock
from deploy.local.supervisor import Supervisor

STOP_SECONDS = 90.0


def up(home: Home) -> int:
    """Start all services and supervise them until Ctrl-C."""
    Supervisor(home).run()
    return 0


def status(home: Home) -> int:
    """Say what runs: exit code 0 if all is ready, 1 if something is not, 3 if nothing runs."""
    lock = Lock(home)
    if lock.holder() is None:
        print("services of an earlier start are still stopping" if lock.held() else "nothing runs")
        return 3
    published = lock.published()
    if published is None:
        print(f"process {lock.holder()} is starting")
        return 1
    print(f"process {lock.holder()} serves {published['address']}")
    for service in published["services"]:
        print(f"{service['name']:<12} {service['state']:<9} restarts {service['restarts']}  {service['log']}")
    return 0 if all(service["state"] == "ready" for service in published["services"]) else 1


def stop(home: Home) -> int:
    """Stop what runs, and wait for its end."""
    lock = Lock(home)
    pid = lock.holder()
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
    elif not lock.held():
        print("nothing runs")
        return 0
    deadline = time.monotonic() + STOP_SECONDS
    while lock.held():
        if time.monotonic() > deadline:
            raise ServiceError(f"Process {pid} has not stopped after {STOP_SECONDS:.0f} seconds.", f"See {home.logs}.")
        time.sleep(0.05)
    print("stopped")
    return 0


def manage(home: Home, arguments: list[str]) -> int:
    """Run manage.py with the addresses of the running services."""
    published = Lock(home).published()
    if published is None:
        raise SetupError("The services do not run.", "Start them first: make up")
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, env={**os.environ, **published["environment"]}, check=False).returncode


def main() -> int:
    """Read the command line; 0 is success, 2 the person's mistake, 1 ours."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="The services of DARec Lab on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start all services and supervise them until Ctrl-C")
    commands.add_parser("status", help="say what runs")
    commands.add_parser("stop", help="stop what runs")
    manage_parser = commands.add_parser("manage", help="run Django's manage.py against the running services")
    manage_parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    home = Home.of_environment()
    try:
        if options.command == "manage":
            return manage(home, options.arguments)
        return {"up": up, "status": status, "stop": stop}[options.command](home)
    except ServiceError as error:
        print(error.message, file=sys.stderr)
        if error.hint:
            print(error.hint, file=sys.stderr)
        return 2 if isinstance(error, SetupError) else 1


if __name__ == "__main__":
    sys.exit(main())
