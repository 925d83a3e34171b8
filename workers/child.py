"""The process in which the work is done: ``python -m workers.child --parent PID``; see ``workers.crew`` for the other side.

A worker starts it as a fresh interpreter, so that torch, its memory and its crashes stay out of the worker. Orders are lines
of JSON on standard input. One that went well, and after which there may be more, is answered by a line on standard output.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import django

from workers.crew import Order
from workers.leash import STOPPED_EXIT, die_with, on_terminate

_log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Do what is ordered; the final states are in the database. Returns 0 if all were written, whatever they are."""
    parser = argparse.ArgumentParser(prog="workers.child", description="Started by a worker; orders come by standard input.")
    parser.add_argument("--parent", type=int, required=True)
    die_with(parser.parse_args(arguments).parent)
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever a library prints goes to the log.
    os.dup2(2, 1)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    django.setup()
    from webapp.logs.about import about
    from webapp.logs.printed import log_what_is_printed
    from workers.naming import NOUN_OF_ORDER

    log_what_is_printed()
    desk = _Desk()
    on_terminate(desk.stop_service)
    for order in _orders():
        ids = {**order.about, NOUN_OF_ORDER.get(order.kind, order.kind): order.row, "attempt": order.attempt}
        with about(**ids):
            _log.info("%s %d, attempt %d: process %d", order.kind, order.row, order.attempt, os.getpid())
            fit = desk.work(order)
        if not fit or not order.more:
            break
        replies.write("done\n")
        replies.flush()
    return 0


def _orders() -> Iterator[Order]:
    for line in sys.stdin:
        yield Order(**json.loads(line))


class _Desk:
    """Does one order after the other, and hears that the service stops, at work or not."""

    def __init__(self) -> None:
        from workers.lifeline import Lifeline
        from workers.timings import Timings

        self._timings = Timings.from_environment()
        self._lifeline: Lifeline | None = None

    def stop_service(self) -> None:
        """Let a job with a lifeline reach a checkpoint; end at once where there is none."""
        if self._lifeline is None:
            os._exit(STOPPED_EXIT)
        self._lifeline.stop_service()

    def work(self, order: Order) -> bool:
        """Do it; True if this process is fit for more."""
        from django.db import connection

        kinds = {
            "run": self._run,
            "ingest": self._ingest,
            "derive": self._derive,
            "question": self._question,
            "compare": self._compare,
            "compare-runs": self._compare_runs,
            "search": self._search,
            "ask": self._ask,
            "lists": self._lists,
        }
        fit = kinds[order.kind](order)
        # The database may be another one by the next order.
        connection.close()
        return fit

    def _run(self, order: Order) -> bool:
        from workers.attempts import RunAttempt
        from workers.execution import execute_run
        from workers.lifeline import Lifeline

        attempt = RunAttempt(order.row, order.attempt)
        self._lifeline = lifeline = Lifeline(attempt, self._timings)
        lifeline.start()
        succeeded = execute_run(attempt, Path(order.scratch), lifeline, self._timings)
        self._lifeline = None
        # Asked to stop at the very end: there is nobody to come back to.
        return succeeded and lifeline.reason is None

    def _ingest(self, order: Order) -> bool:
        from workers.attempts import VersionAttempt
        from workers.ingestion import ingest_version, limit_resources
        from workers.lifeline import Lifeline

        limit_resources()
        attempt = VersionAttempt(order.row, order.attempt)
        # Reading has no checkpoint to end at: a stopping service gives the version back at once.
        self._lifeline = lifeline = Lifeline(attempt, self._timings, stop_grace=0)
        lifeline.start()
        ingest_version(attempt, Path(order.scratch), order.key, lifeline, self._timings)
        # The limits on memory and processor time stay.
        return False

    def _derive(self, order: Order) -> bool:
        from workers.deriving import derive
        from workers.ingestion import limit_resources

        limit_resources()
        derive(order.row, order.attempt, Path(order.scratch), order.key)
        # The limits on memory and processor time stay.
        return False

    def _question(self, order: Order) -> bool:
        from workers.database import retrying
        from workers.ingestion import limit_memory
        from workers.questions import answer_question

        limit_memory()
        return retrying(lambda: answer_question(order.row, Path(order.scratch)), self._timings.give_up)

    def _ask(self, order: Order) -> bool:
        from workers.database import retrying
        from workers.serving.answers import answer_ask

        return retrying(lambda: answer_ask(order.row, Path(order.scratch)), self._timings.give_up)

    def _lists(self, order: Order) -> bool:
        from workers.lists.making import make_lists

        make_lists(order.row, order.attempt, Path(order.scratch), order.key)
        return True

    def _compare(self, order: Order) -> bool:
        from workers.comparing import compare_group

        compare_group(order.row)
        return True

    def _compare_runs(self, order: Order) -> bool:
        from workers.significance import compare_runs

        compare_runs(order.row)
        return True

    def _search(self, order: Order) -> bool:
        from workers.searches.steps import advance_search

        advance_search(order.row)
        return True


if __name__ == "__main__":
    sys.exit(main())
