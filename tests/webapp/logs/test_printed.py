"""Printed lines, warnings and exceptions that nobody catches become lines of the log."""

import json
import os
import subprocess
import sys

PROGRAM = """
import logging, sys, threading, warnings
import django
django.setup()
from webapp.logs.printed import log_what_is_printed
log_what_is_printed()
log_what_is_printed()
print("printed", end="")
print(" in two pieces")
print("10 %\\r20 %\\r30 %\\r", file=sys.stderr)
sys.stdout.write("unfinished")
sys.stdout.flush()
warnings.warn("careful\\nforged")

class Broken:
    def __str__(self):
        raise ValueError("no words")

logging.getLogger("a").warning("%s", Broken())
def fail():
    raise RuntimeError("in a thread")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
raise KeyError("at the end")
"""


def test_every_line_is_json() -> None:
    environment = {**os.environ, "LOG_FORMAT": "json", "DJANGO_SETTINGS_MODULE": "webapp.settings"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 1
    found = [json.loads(line) for line in done.stderr.splitlines()]
    said = [(line["logger"], line["message"]) for line in found]
    assert ("stdout", "printed in two pieces") in said
    assert ("stderr", "30 %") in said
    assert ("stdout", "unfinished") in said
    assert any(name == "py.warnings" and "careful\\nforged" in message for name, message in said)
    # A record that cannot be written is told of by Python itself.
    assert ("stderr", "ValueError: no words") in said
    assert ("uncaught", "RuntimeError: in a thread") in said
    assert said[-1] == ("uncaught", "KeyError: 'at the end'")
    assert "Traceback" in found[-1]["exception"]


def test_plain_logs_leave_the_terminal_alone() -> None:
    code = "import sys, django; django.setup(); from webapp.logs.printed import log_what_is_printed as f; f(); print('here')"
    environment = {**os.environ, "LOG_FORMAT": "plain", "DJANGO_SETTINGS_MODULE": "webapp.settings"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "here\n"
