"""Making a version from another one, by filters and by edits."""

from django.contrib.auth.models import User
from django.db import transaction

from engine.data.edits import Edits
from engine.errors import DataError
from engine.spec import FilterSpec
from webapp.datasets.actions import queue_version
from webapp.datasets.models import Version, VersionState
from webapp.quotas.room import require_room

NO_FILTERS = FilterSpec(core=0)


def derive_version(parent: Version, user: User, filters: FilterSpec = NO_FILTERS, edits: Edits | None = None) -> Version:
    """Queue a version of the same dataset that a worker makes from ``parent``: edits first, then filters.

    Raises:
        DataError: the parent is not ready, or nothing would change.
        QuotaExceededError: the project has used up its disk.
    """
    if parent.state != VersionState.READY:
        raise DataError(f"{parent} is not ready.", "Wait until it is, or take another version.")
    if filters == NO_FILTERS and not edits:
        raise DataError("Nothing would change.", "Set a filter, or edit something.")
    changes = edits.model_dump(mode="json") if edits else {}
    with transaction.atomic():
        # How much it will be is known once it is made.
        require_room(parent.dataset.project_id)
        return queue_version(parent.dataset, user, filters, parent=parent, edits=changes)
