"""Makes sure that the browser tests find a Chromium: ``python -m deploy.local.browser`` installs Debian's where there is none."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HINT = "Install Chromium with your system's package manager; the browser tests look for: " + ", ".join(NAMES)


def find_browser() -> str | None:
    """Path of the first Chromium or Chrome on the PATH."""
    found = (shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/bin:/snap/bin") for name in NAMES)
    return next((path for path in found if path), None)


def install() -> int:
    """Install Debian's chromium with apt-get, by sudo if we are not root. Returns an exit code."""
    if not shutil.which("apt-get"):
        print(f"No Chromium is installed, and there is no apt-get here to install it. {HINT}", file=sys.stderr)
        return 1
    prefix: list[str] = []
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            print(f"No Chromium is installed, and only root can install it. {HINT}", file=sys.stderr)
            return 1
        prefix = ["sudo", "--non-interactive", "DEBIAN_FRONTEND=noninteractive"]
    print("No Chromium is installed: installing Debian's for the browser tests.", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        command = [*prefix, "apt-get", "-qq", *arguments]
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
            print(f"{' '.join(command)} failed with status {done.returncode}:\n{tail}\n{HINT}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(0 if find_browser() else install())
