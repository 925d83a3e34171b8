"""``make demo``: services, an account, a data set, two runs, their results, and the page. Exit code 0, 1 (ours), 2 (yours)."""

import argparse
import os
import sys
import time
from pathlib import Path

from rich.console import Console

from deploy.local.demo.session import Session, services
from deploy.local.errors import ServiceError, SetupError
from deploy.local.home import Home
from deploy.local.signals import StopRequested, StopSignals
from engine.errors import UserError


def main() -> int:
    """Read the command line and run the demo."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.demo", description="From a log file to recommendations.")
    parser.add_argument("--data", type=Path, help="folder with interactions.csv[.gz] and items.csv[.gz]; default: generated data")
    parser.add_argument("--check", action="store_true", help="check the pages, stop everything and exit")
    options = parser.parse_args()
    signals = StopSignals()
    signals.listen()
    try:
        return demo(Home.of_environment(), options.data, check=options.check, signals=signals)
    except (ServiceError, UserError) as error:
        print(error.message, file=sys.stderr)
        if error.hint:
            print(error.hint, file=sys.stderr)
        return 2 if isinstance(error, SetupError | UserError) else 1
    except StopRequested:
        print("stopped", file=sys.stderr)
        return 1 if options.check else 0


def demo(home: Home, data: Path | None, *, check: bool, signals: StopSignals) -> int:
    """Run the demo and keep serving; with ``check``, check it and stop. Returns the exit code."""
    if data is not None and not data.is_dir():
        raise SetupError(f"DATA: {data} is no folder.", "Name a folder with interactions.csv[.gz] and items.csv[.gz].")
    begin = time.monotonic()
    notes = Console(stderr=True, highlight=False)
    notes.print("Starting the services…", markup=False)
    with services(home) as session:
        if not session.own:
            notes.print(f"The services run already at {session.address}: using those; they stay.", markup=False)
        os.environ.update(session.published["environment"])
        import django

        django.setup()
        # Models can be imported only now that the settings are known.
        from deploy.local.demo import check as checks
        from deploy.local.demo.work import work

        fine = work(session, data, check=check)
        processes = checks.our_processes()
        if not check:
            _serve(session)
        signals.stopping = True
    if session.own:
        checks.check_stopped(processes, session.address)
        notes.print("Everything has stopped, no process is left.", markup=False)
    notes.print(f"The demo took {time.monotonic() - begin:.0f} s.", markup=False)
    return 0 if fine else 1


def _serve(session: Session) -> None:
    """Until Ctrl-C, or until the services are gone."""
    while True:
        session.check()
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
