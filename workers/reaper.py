"""The reaper's process: ``python -m workers.reaper``. It needs no broker to decide, and torch never."""

import os
import signal
import threading

import django


def main() -> None:
    """Look until SIGTERM or SIGINT."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    django.setup()
    from webapp.fleet.models import NodeKind
    from webapp.logs.printed import log_what_is_printed
    from workers.presence.node import Node
    from workers.presence.reporting import Presence
    from workers.reaping import Reaper
    from workers.timings import Timings

    log_what_is_printed()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    timings = Timings.from_environment()
    presence = Presence(Node(NodeKind.REAPER), timings.presence)
    presence.start()
    Reaper(timings).run(stop)
    presence.stop()


if __name__ == "__main__":
    main()
