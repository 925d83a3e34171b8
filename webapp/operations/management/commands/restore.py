"""``manage.py restore FILE``: what ``manage.py backup`` wrote, back into database and storage."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from engine.errors import EngineError
from webapp.operations.restore import restore


class Command(BaseCommand):
    """Restores a back-up; the services must not run."""

    help = "Check an archive of `manage.py backup`, put it into DATABASE_URL and STORAGE_URL, and migrate if it is older."
    # The database may not even have tables yet.
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from."""
        parser.add_argument("file", type=Path, help="the archive")
        parser.add_argument("--replace", action="store_true", help="allow a target that is not empty; what it holds is lost")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore it, and say what came back."""
        try:
            manifest = restore(options["file"].absolute(), replace=options["replace"])
        except EngineError as error:
            raise CommandError(str(error)) from error
        rows, objects = sum(manifest.rows.values()), len(manifest.members) - 1
        self.stdout.write(f"restored the back-up of {manifest.made_at}: {rows:,} rows, {objects:,} objects")
        for folder in manifest.missing:
            self.stderr.write(self.style.WARNING(f"The back-up's database names {folder}, but it held nothing there."))
