"""A process that takes runs: each order is a line of JSON on standard input; the end of that input asks it to stop."""

import json
import os
import queue
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from engine.commands.progress import TerminalReport
from engine.commands.terminal import tell
from engine.data.version import Version, read_version
from engine.errors import EngineError, RunCancelled
from engine.run import run
from engine.spec import parse_spec
from engine.study.pool import STOPPED


def main(version_path: str) -> None:
    """Take orders until there are no more; each is answered by its exit code: 0, ``STOPPED``, or 1 with the reason in its log."""
    orders: queue.Queue[dict[str, Any] | None] = queue.Queue()
    stop = threading.Event()
    threading.Thread(target=_read_orders, args=(orders, stop), daemon=True).start()
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    version: Version | None = None
    while (order := orders.get()) is not None:
        _write_to(Path(order["log"]))
        if version is None:
            version = read_version(Path(version_path))
        code = _run(order, version, stop)
        replies.write(json.dumps({"code": code}) + "\n")
        replies.flush()


def _run(order: dict[str, Any], version: Version, stop: threading.Event) -> int:
    try:
        with TerminalReport() as report:
            run(parse_spec(order["spec"]), version, Path(order["folder"]), report, should_stop=stop.is_set)
    except RunCancelled:
        return STOPPED
    except EngineError as error:
        tell(f"error: {error}")
        return 1
    except Exception:
        # a fault of ours ends the run, not the process: its log shows it whole
        traceback.print_exc()
        sys.stderr.flush()
        return 1
    return 0


def _read_orders(orders: "queue.Queue[dict[str, Any] | None]", stop: threading.Event) -> None:
    for line in sys.stdin:
        orders.put(json.loads(line))
    stop.set()
    orders.put(None)


def _write_to(log: Path) -> None:
    """Let all that this process says go to the end of ``log``."""
    sys.stdout.flush()
    sys.stderr.flush()
    with log.open("ab") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)


if __name__ == "__main__":
    main(sys.argv[1])
