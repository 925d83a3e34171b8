"""Invitations by link: whoever follows it becomes a member. The link is shown once; only a keyed hash of it is kept."""

import datetime
import secrets

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from engine.errors import UserError
from webapp.accounts.keyed import digest, same
from webapp.accounts.models import Invitation, Membership, Project, Role
from webapp.audit.trail import record

_PURPOSE = "darec invitation"
_MOST_OPEN = 100
_GONE = "This invitation is unknown, used up, revoked or expired."
_ASK = "Ask whoever sent it for a new link."


@transaction.atomic
def invite(
    project: Project, user: User, role: Role, days: int, note: str = "", *, single_use: bool = False
) -> tuple[Invitation, str]:
    """A new invitation, good for ``days``, and the last part of its address, which nobody can see again.

    Raises UserError if the project has too many open ones.
    """
    if len(open_invitations(project)) >= _MOST_OPEN:
        raise UserError(f"{project} has {_MOST_OPEN} open invitations already.", "Revoke some first.")
    lookup, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        project=project,
        role=role,
        note=note.replace("\x00", "")[:100],
        lookup=lookup,
        digest=digest(_PURPOSE, secret),
        single_use=single_use,
        created_by=user,
        expires_at=timezone.now() + datetime.timedelta(days=days),
    )
    record(user, project, "invitation.created", invitation, after={"role": role.value, "days": days, "single_use": single_use})
    return invitation, f"{lookup}_{secret}"


def find_invitation(text: str) -> Invitation:
    """The invitation whose link ends in ``text``; raises UserError if it is not good any more."""
    lookup, _, secret = text.partition("_")
    found = Invitation.objects.select_related("project", "created_by").filter(lookup=lookup).first()
    if not same(found.digest if found else None, digest(_PURPOSE, secret)) or found is None or not is_open(found):
        raise UserError(_GONE, _ASK)
    return found


@transaction.atomic
def accept(invitation: Invitation, user: User) -> Membership:
    """Make ``user`` a member; one who is already keeps the higher role, and uses nothing up.

    Raises UserError if the invitation was used up or revoked meanwhile.
    """
    held = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if not is_open(held):
        raise UserError(_GONE, _ASK)
    membership, made = Membership.objects.get_or_create(project=held.project, user=user, defaults={"role": held.role})
    before = None if made else {"member": user.username, "role": membership.role}
    if not made and Role(held.role).level <= Role(membership.role).level:
        return membership
    membership.role = held.role
    membership.save(update_fields=["role"])
    Invitation.objects.filter(pk=held.pk).update(uses=F("uses") + 1)
    record(user, held.project, "member.joined", membership, before, {"member": user.username, "role": held.role})
    return membership


@transaction.atomic
def revoke(invitation: Invitation, user: User) -> None:
    """End an invitation now; who has joined by it stays."""
    if Invitation.objects.filter(pk=invitation.pk, revoked_at=None).update(revoked_at=timezone.now()):
        record(user, invitation.project, "invitation.revoked", invitation, {"role": invitation.role})


def open_invitations(project: Project) -> list[Invitation]:
    """Those that still work, newest first."""
    rows = project.invitations.filter(revoked_at=None, expires_at__gt=timezone.now()).exclude(single_use=True, uses__gt=0)
    return list(rows.select_related("created_by").order_by("-pk"))


def is_open(invitation: Invitation) -> bool:
    """Whether it still works."""
    used_up = invitation.single_use and invitation.uses > 0
    return invitation.revoked_at is None and not used_up and invitation.expires_at > timezone.now()
