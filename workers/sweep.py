"""Removing what nobody needs any more: expired sessions, old questions, comparisons and notices, silent workers, uploads given
up, and folders that no row names."""

import logging
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from webapp.accounts.models import IdempotentRequest
from webapp.comparing.models import RunComparison
from webapp.datasets.models import Derived, Question, Upload, Version
from webapp.datasets.uploads import cancel_upload
from webapp.delivering.lists import KEPT_DAYS
from webapp.delivering.models import ACTIVE, UserLists
from webapp.fleet.models import Echo, WorkerNode
from webapp.notices.models import KEPT_DAYS as NOTICES_KEPT_DAYS
from webapp.notices.models import Notice
from webapp.quotas.measuring import measure_missed
from webapp.serving.models import Ask
from webapp.storage import delete_folder, local_root
from workers.supervisor import SCRATCH

_log = logging.getLogger(__name__)
KEPT_FOR = timedelta(days=1)
"""A folder may be on its way into a row for this long."""
IDEMPOTENT_FOR = timedelta(days=1)
"""How long a request that is sent again gets the answer it got before (``webapp.api.idempotency``)."""
COMPARED_FOR = timedelta(days=30)
"""How long comparisons of runs are kept; a page that needs one again asks again."""


def sweep() -> list[str]:
    """Clear expired sessions, questions and answers of yesterday, old comparisons and notices, workers long silent, uploads that
    were given up, and old folders that no row names.

    Folders are uploads, versions, exports and scratch; those are old in which nothing was written for a day.
    Returns the keys of the removed folders.
    """
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    # What they asked may hold lists of ids, and who wants to know can ask again.
    Question.objects.filter(asked_at__lt=timezone.now() - KEPT_FOR).delete()
    RunComparison.objects.filter(asked_at__lt=timezone.now() - COMPARED_FOR).delete()
    Notice.objects.filter(created_at__lt=timezone.now() - timedelta(days=NOTICES_KEPT_DAYS)).delete()
    # Who ends as it should takes its own row away.
    WorkerNode.objects.filter(heartbeat_at__lt=timezone.now() - KEPT_FOR).delete()
    Ask.objects.filter(asked_at__lt=timezone.now() - KEPT_FOR).delete()
    Echo.objects.filter(asked_at__lt=timezone.now() - KEPT_FOR).delete()
    IdempotentRequest.objects.filter(created_at__lt=timezone.now() - IDEMPOTENT_FOR).delete()
    removed = [*_given_up(), *_old_lists()]
    named: dict[str, Callable[[str], bool]] = {
        "uploads": lambda key: Version.objects.filter(upload_key=key).exists(),
        "versions": lambda key: Version.objects.filter(storage_key=key).exists(),
        "exports": lambda key: (
            Derived.objects.filter(storage_key=key).exists()
            or UserLists.objects.filter(storage_key__startswith=f"{key}/").exists()
        ),
        SCRATCH: lambda _: False,
    }
    for parent, is_named in named.items():
        for key in _old_folders(parent):
            if not is_named(key):
                delete_folder(key)
                removed.append(key)
    measured = measure_missed()
    _log.info("measured %d folders for quotas", measured)
    if removed:
        _log.info("removed %d folders that no row names", len(removed))
    return removed


def _given_up() -> list[str]:
    """Remove uploads that have not become a version and of which nothing came within ``KEPT_FOR``; returns their folders."""
    removed = []
    for upload in Upload.objects.filter(version=None, created_at__lt=timezone.now() - KEPT_FOR):
        if not default_storage.exists(upload.folder) or _is_old(upload.folder):
            cancel_upload(upload)
            removed.append(upload.folder)
    return removed


def _old_lists() -> list[str]:
    """Remove lists for everybody that were asked for more than ``KEPT_DAYS`` ago; returns their folders."""
    old = UserLists.objects.filter(asked_at__lt=timezone.now() - timedelta(days=KEPT_DAYS)).exclude(state__in=ACTIVE)
    keys = [key.rpartition("/")[0] for key in old.exclude(storage_key="").values_list("storage_key", flat=True)]
    old.delete()
    for key in keys:
        delete_folder(key)
    return keys


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
