"""``manage.py doctor``: what is wrong, and what to do."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from engine.plain_text import one_line
from webapp.operations.doctor import SECONDS, WORKER_SECONDS, examine
from webapp.operations.findings import ERROR, OK, WARNING, Finding


class Command(BaseCommand):
    """Looks at everything that the lab needs; ends with 1 if anything does not work."""

    help = (
        "Say what is wrong with this lab, and what to do: database, broker, storage, workers, disks, versions, settings, clocks."
    )
    # Broken settings and a missing database are what it is for.
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """For people or machines, and how patient."""
        parser.add_argument("--json", action="store_true", help="one JSON object: ok, and findings")
        parser.add_argument("--seconds", type=float, default=SECONDS, help="for everything together (%(default)s)")
        parser.add_argument("--worker-seconds", type=float, default=WORKER_SECONDS, help="for a worker's answer (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, and say it."""
        findings = examine(options["seconds"], min(options["worker_seconds"], options["seconds"] / 2))
        broken = sum(finding.level == ERROR for finding in findings)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not broken, "findings": [asdict(each) for each in findings]}, indent=1))
        else:
            for finding in findings:
                self._say(finding)
            odd = sum(finding.level == WARNING for finding in findings)
            self.stdout.write(f"{broken} errors, {odd} warnings." if broken or odd else "All is well.")
        self.stdout.flush()
        if broken:
            sys.exit(1)

    def _say(self, finding: Finding) -> None:
        styles = {OK: self.style.SUCCESS, WARNING: self.style.WARNING, ERROR: self.style.ERROR}
        level = styles[finding.level](f"{finding.level:<8}")
        self.stdout.write(f"{level} {finding.part}: {one_line(finding.message)}")
        if finding.hint:
            self.stdout.write(f"         {one_line(finding.hint)}")
