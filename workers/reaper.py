"""The reaper's process: ``python -m workers.reaper``. It needs no broker to decide, and torch never."""

import os
import signal
import threading

import django


def main() -> None:
    """Look until SIGTERM or SIGINT."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    django.setup()
    from workers.reaping import Reaper
    from workers.timings import Timings

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Reaper(Timings.from_environment()).run(stop)


if __name__ == "__main__":
    main()
