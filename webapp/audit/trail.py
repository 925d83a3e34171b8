"""Writing the audit trail. Call ``record`` in the transaction of the change: both are there, or neither."""

from typing import Any

from django.contrib.auth.models import User
from django.db import connection, models

from webapp.accounts.models import Project
from webapp.audit.models import AuditEntry


def record(
    user: User | None,
    project: Project,
    action: str,
    thing: models.Model,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEntry:
    """Append one entry.

    Args:
        user: who did it; None where nobody was signed in.
        action: object and verb, e.g. ``version.created``.
        thing: a saved row, not yet deleted.
        before, after: JSON; only what was changed. A change that changes nothing should not be recorded.

    Raises:
        RuntimeError: there is no transaction that it could be part of.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"{action} is recorded outside of the transaction of the change")
    return AuditEntry.objects.create(
        project_id=project.pk,
        user_id=user.pk if user else None,
        username=user.username if user else "",
        action=action,
        object_type=thing._meta.model_name or "",
        object_id=thing.pk,
        object_name=str(thing)[:300],
        before=before,
        after=after,
    )


def differences(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values that differ, as they were and as they are."""
    changed = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in changed}, {name: after[name] for name in changed}
