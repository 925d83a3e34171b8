import os
import signal
import subprocess
import sys

import psutil

from tests.workers.waiting import wait_until
from workers.leash import STOPPED_EXIT

BUSY = """
import hashlib, os, sys
from workers.leash import die_with, on_terminate
die_with(int(sys.argv[1]))
on_terminate(lambda: (sys.stdout.write("heard"), sys.stdout.flush(), os._exit(7)))
print("ready", flush=True)
hashlib.pbkdf2_hmac("sha256", b"a", b"b", 10**9)
"""
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import sys, time; from workers.leash import die_with;"
    " die_with(int(sys.argv[1])); print('ready', flush=True); time.sleep(60)", str(os.getpid())])
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_child_hears_sigterm_in_the_middle_of_a_long_computation() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY, str(os.getpid())], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(10) == 7
        finally:
            process.kill()
        assert process.stdout.read() == "heard"


def test_a_child_dies_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert parent.stdout.readline() == "ready\n"
        parent.kill()
        wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 10)


def test_a_child_whose_parent_is_dead_already_ends() -> None:
    code = subprocess.call([sys.executable, "-c", "from workers.leash import die_with; die_with(1234567)"])
    assert code == STOPPED_EXIT
