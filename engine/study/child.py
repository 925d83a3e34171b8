"""The process of one run of a study: its order is a line of JSON on standard input; the end of that input asks it to stop."""

import json
import os
import sys
import threading
from pathlib import Path

from engine.commands.progress import TerminalReport
from engine.data.version import read_version
from engine.errors import EngineError, RunCancelled
from engine.run import run
from engine.spec import parse_spec
from engine.study.children import STOPPED


def main() -> int:
    """Run; the exit code is 0, ``STOPPED``, or 1 with what went wrong as the last line."""
    order = json.loads(sys.stdin.readline())
    stop = threading.Event()
    threading.Thread(target=_watch_input, args=(stop,), daemon=True).start()
    try:
        with TerminalReport() as report:
            run(
                parse_spec(order["spec"]),
                read_version(Path(order["version"])),
                Path(order["folder"]),
                report,
                should_stop=stop.is_set,
            )
    except RunCancelled:
        return STOPPED
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _watch_input(stop: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
