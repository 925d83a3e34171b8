"""Asking for what workers make of a version: archives to download, leakage reports, differences."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from engine.errors import UserError
from webapp.broker import DERIVE_TASK, ask_or_wait
from webapp.datasets.models import DOWNLOADS, Derived, DerivedKind, DerivedState, Version, VersionState
from webapp.quotas.room import require_room

FILE = "data.zip"
"""The name of an archive in its folder of the storage."""
ACTIVE = (DerivedState.QUEUED, DerivedState.MAKING)
_ASK_AGAIN = timedelta(seconds=60)


def download_kind(name: str) -> DerivedKind:
    """The format ``name``; raises UserError for one that there is not."""
    found = next((kind for kind in DOWNLOADS if kind.value == name), None)
    if found is None:
        raise UserError(f"There is no format '{name}'.", f"Formats are {', '.join(kind.value for kind in DOWNLOADS)}.")
    return found


def find_derived(version: Version, kind: DerivedKind, other: Version | None = None) -> Derived | None:
    """What was made, or is being made; where a worker may have missed it for a minute, one is asked again."""
    found = Derived.objects.filter(version=version, kind=kind, other=other).select_related("version__dataset", "other").first()
    if found is not None and found.state in ACTIVE:
        now = timezone.now()
        # A worker that is at it will not begin anew: it has claimed the row.
        if Derived.objects.filter(pk=found.pk, asked_at__lt=now - _ASK_AGAIN).update(asked_at=now):
            _ask(found)
    return found


@transaction.atomic
def ask_for(version: Version, kind: DerivedKind, other: Version | None = None) -> Derived:
    """Have it made, unless that is done or under way; what failed is tried again.

    Raises UserError if a version is not ready, ``other`` is of another dataset, or the project has used up its disk.
    """
    for one in (version, other):
        if one is not None and one.state != VersionState.READY:
            raise UserError(f"{one} is {one.state}, not ready.", "Choose a version that is ready.")
    if other is not None and other.dataset_id != version.dataset_id:
        raise UserError(f"{other} is of another dataset than {version}.", "Compare versions of one dataset.")
    now = timezone.now()
    made_already = Derived.objects.filter(version=version, kind=kind).exclude(state=DerivedState.FAILED).exists()
    if kind in DOWNLOADS and not made_already:
        require_room(version.dataset.project_id)
    derived, made = Derived.objects.get_or_create(version=version, kind=kind, other=other, defaults={"asked_at": now})
    again = Q(pk=derived.pk, state=DerivedState.FAILED)
    fresh = {"state": DerivedState.QUEUED, "asked_at": now, "claimed_at": None, "attempt": 0, "error": "", "hint": ""}
    if made or Derived.objects.filter(again).update(**fresh):
        derived.refresh_from_db()
        _ask(derived)
    return derived


def _ask(derived: Derived) -> None:
    transaction.on_commit(lambda: ask_or_wait(DERIVE_TASK, derived.pk))
