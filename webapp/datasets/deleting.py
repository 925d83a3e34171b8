"""Deleting a version: its files go, its row stays, so that what was made with it can still say what that was."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from engine.errors import UserError
from webapp.accounts.access import require_role
from webapp.accounts.models import Role
from webapp.audit.trail import record
from webapp.datasets.models import Derived, Version, VersionState
from webapp.delivering.promoting import held_of_version
from webapp.experiments.models import ACTIVE_STATES, Run
from webapp.quotas.models import StoredFolder
from webapp.searches.models import OPEN_STATES, Search
from webapp.storage import delete_folder

_SHOWN = 5


@transaction.atomic
def delete_version(version: Version, user: User) -> None:
    """Free the disk of all that belongs to ``version``: upload, Parquet files, archives. Refreshes ``version``.

    Raises PermissionDenied unless the user is a curator of the project, or UserError if a run or search needs it, if a worker
    reads it just now, or if it is deleted already.
    """
    require_role(user, version.dataset.project, Role.CURATOR)
    # Locked against runs that are being launched: their rows refer to this one.
    locked = Version.objects.select_for_update(of=("self",)).select_related("dataset").get(pk=version.pk)
    if locked.state == VersionState.DELETED:
        raise UserError(f"{locked} is deleted already.", "There is nothing to do.")
    if locked.state in (VersionState.QUEUED, VersionState.INGESTING):
        raise UserError(f"{locked} is being read.", "Wait until it is ready or has failed.")
    if needed := _needed_by(locked):
        more = f" and {len(needed) - _SHOWN} more" if len(needed) > _SHOWN else ""
        raise UserError(
            f"{locked} is needed by {', '.join(needed[:_SHOWN])}{more}.",
            "Wait until they have ended, or cancel them first; replace a model in use by promoting others.",
        )
    keys = [locked.storage_key, *locked.derived.values_list("storage_key", flat=True)]
    # Other versions may be made from the same upload.
    if not Version.objects.filter(upload_key=locked.upload_key).exclude(pk=locked.pk).exists():
        keys.append(locked.upload_key)
    Derived.objects.filter(Q(version=locked) | Q(other=locked)).delete()
    StoredFolder.objects.filter(key__in=keys).delete()
    for related in (locked.questions, locked.catalogue, locked.drafts):
        related.all().delete()
    Version.objects.filter(pk=locked.pk).update(
        state=VersionState.DELETED,
        storage_key="",
        upload_key="",
        leakage={},
        profile={},
        deleted_by=user,
        deleted_at=timezone.now(),
    )
    record(user, locked.dataset.project, "version.deleted", locked, before={"hash": locked.hash, "state": locked.state})
    transaction.on_commit(lambda: _free([key for key in keys if key]))
    version.refresh_from_db()


def _needed_by(version: Version) -> list[str]:
    runs = Run.objects.filter(version=version, state__in=ACTIVE_STATES).only("pk").order_by("pk")
    searches = Search.objects.filter(version=version, state__in=OPEN_STATES).order_by("pk")
    children = version.children.filter(state__in=(VersionState.QUEUED, VersionState.INGESTING)).order_by("pk")
    return [*held_of_version(version), *map(str, searches), *map(str, runs), *map(str, children)]


def _free(keys: list[str]) -> None:
    for key in keys:
        delete_folder(key)
