"""Removing what nobody needs any more: expired sessions, uploads that were given up, and folders that no version names."""

import logging
from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from webapp.datasets.models import Upload, Version
from webapp.datasets.uploads import cancel_upload
from webapp.storage import delete_folder, local_root
from workers.supervisor import SCRATCH

_log = logging.getLogger(__name__)
KEPT_FOR = timedelta(days=1)
"""A folder may be on its way into a row for this long."""


def sweep() -> list[str]:
    """Clear expired sessions, uploads that were given up, and folders of uploads, versions and scratch that no version names.

    All of these but sessions must be older than a day.
    Returns the keys of the removed folders.
    """
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    removed = _given_up()
    for parent, column in (("uploads", "upload_key"), ("versions", "storage_key"), (SCRATCH, None)):
        for key in _old_folders(parent):
            if column is None or not Version.objects.filter(**{column: key}).exists():
                delete_folder(key)
                removed.append(key)
    if removed:
        _log.info("removed %d folders that no version names", len(removed))
    return removed


def _given_up() -> list[str]:
    """Remove uploads that have not become a version and of which nothing came within ``KEPT_FOR``; returns their folders."""
    removed = []
    for upload in Upload.objects.filter(version=None, created_at__lt=timezone.now() - KEPT_FOR):
        if not default_storage.exists(upload.folder) or _is_old(upload.folder):
            cancel_upload(upload)
            removed.append(upload.folder)
    return removed


def _old_folders(parent: str) -> list[str]:
    if not default_storage.exists(parent):
        return []
    folders, _ = default_storage.listdir(parent)
    return [key for key in (f"{parent}/{name}" for name in folders if name) if _is_old(key)]


def _is_old(key: str) -> bool:
    """Whether nothing in the folder was written within ``KEPT_FOR``."""
    folders, files = default_storage.listdir(key)
    limit = timezone.now() - KEPT_FOR
    # Only a local disk knows empty folders, and when a folder came to be.
    dated = [f"{key}/{name}" for name in files if name] + ([key] if local_root() is not None else [])
    return all(default_storage.get_modified_time(name) < limit for name in dated) and all(
        _is_old(f"{key}/{name}") for name in folders if name
    )
