"""``manage.py backup OUT``: database and storage in one file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from engine.errors import EngineError
from webapp.operations.backup import backup


class Command(BaseCommand):
    """Writes a back-up; services may go on."""

    help = "Write the database and all objects of the storage to one archive, while the services go on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to."""
        parser.add_argument("out", type=Path, help="the archive to write: NAME.tar, NAME.tar.gz or NAME.tar.zst")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it, and say what it holds."""
        out: Path = options["out"].absolute()
        try:
            manifest = backup(out)
        except EngineError as error:
            raise CommandError(str(error)) from error
        for folder in manifest.missing:
            self.stderr.write(self.style.WARNING(f"The database names {folder}, but the storage holds nothing there."))
        rows, objects = sum(manifest.rows.values()), len(manifest.members) - 1
        self.stdout.write(
            f"{out}: {rows:,} rows in {len(manifest.rows)} tables, {objects:,} objects, {out.stat().st_size:,} bytes"
        )
