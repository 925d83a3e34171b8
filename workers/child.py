"""The process in which the work is done: ``python -m workers.child KIND ROW ATTEMPT --parent PID --scratch DIR``.

KIND is run, ingest, compare or search. A worker starts it as a fresh interpreter, so that torch, its memory and its crashes
stay out of the worker.
"""

import argparse
import logging
import os
import sys
from pathlib import Path

import django

from workers.leash import die_with, on_terminate


def main(arguments: list[str] | None = None) -> int:
    """Do the work; the final state is in the database. Returns 0 if it was written, whatever it is."""
    options = _parse(arguments)
    die_with(options.parent)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    django.setup()
    logging.getLogger(__name__).info("%s %d, attempt %d: process %d", options.kind, options.row, options.attempt, os.getpid())
    {"run": _run, "ingest": _ingest, "compare": _compare, "search": _search}[options.kind](options)
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="workers.child", description="Started by a worker for one attempt at one row.")
    parser.add_argument("kind", choices=("run", "ingest", "compare", "search"))
    parser.add_argument("row", type=int)
    parser.add_argument("attempt", type=int)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--key", default="")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> None:
    from workers.attempts import RunAttempt
    from workers.execution import execute_run
    from workers.lifeline import Lifeline
    from workers.timings import Timings

    timings = Timings.from_environment()
    attempt = RunAttempt(options.row, options.attempt)
    lifeline = Lifeline(attempt, timings)
    on_terminate(lifeline.stop_service)
    lifeline.start()
    execute_run(attempt, options.scratch, lifeline, timings)


def _ingest(options: argparse.Namespace) -> None:
    from workers.attempts import VersionAttempt
    from workers.ingestion import ingest_version, limit_resources
    from workers.lifeline import Lifeline
    from workers.timings import Timings

    limit_resources()
    timings = Timings.from_environment()
    attempt = VersionAttempt(options.row, options.attempt)
    # Reading has no checkpoint to end at: a stopping service gives the version back at once.
    lifeline = Lifeline(attempt, timings, stop_grace=0)
    on_terminate(lifeline.stop_service)
    lifeline.start()
    ingest_version(attempt, options.scratch, options.key, lifeline, timings)


def _compare(options: argparse.Namespace) -> None:
    from workers.comparing import compare_group

    compare_group(options.row)


def _search(options: argparse.Namespace) -> None:
    from workers.searches.steps import advance_search

    advance_search(options.row)


if __name__ == "__main__":
    sys.exit(main())
