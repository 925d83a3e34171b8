"""The review of versions: submitted, approved, rejected, archived; who said so, and when."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from engine.errors import DataError
from webapp.accounts.models import Role
from webapp.audit.trail import record
from webapp.datasets.display import review_state
from webapp.datasets.models import Review, Version, VersionState
from webapp.display import moment

_STEPS: dict[Review, tuple[tuple[Review, str, Role], ...]] = {
    Review.NONE: (
        (Review.SUBMITTED, "Submit for review", Role.RESEARCHER),
        (Review.APPROVED, "Approve", Role.CURATOR),
        (Review.ARCHIVED, "Archive", Role.CURATOR),
    ),
    Review.SUBMITTED: (
        (Review.APPROVED, "Approve", Role.CURATOR),
        (Review.REJECTED, "Reject", Role.CURATOR),
        (Review.NONE, "Withdraw", Role.RESEARCHER),
    ),
    Review.APPROVED: ((Review.REJECTED, "Reject", Role.CURATOR), (Review.ARCHIVED, "Archive", Role.CURATOR)),
    Review.REJECTED: ((Review.SUBMITTED, "Submit again", Role.RESEARCHER), (Review.ARCHIVED, "Archive", Role.CURATOR)),
    Review.ARCHIVED: ((Review.NONE, "Restore", Role.CURATOR),),
}
MOST_REASON = 2000


def role_for(version: Version, review: Review) -> Role:
    """The role that this step needs; raises DataError if it cannot follow what the version is now."""
    for step, _, role in _STEPS[Review(version.review)]:
        if step == review:
            return role
    raise DataError(f"{version} is {Review(version.review).label}: it cannot become {review.label}.", "Reload the page.")


@transaction.atomic
def review_version(version: Version, user: User, review: Review, reason: str = "") -> None:
    """Set what people think of ``version``. Who may do it, ``role_for`` says.

    Raises:
        DataError: the version is not ready, this step cannot follow the last one, or a rejection has no reason.
    """
    locked = Version.objects.select_for_update(no_key=True).get(pk=version.pk)
    if locked.state != VersionState.READY:
        raise DataError(f"{version} is not ready.", "Only a version that is ready can be reviewed.")
    role_for(locked, review)
    reason = reason.strip()
    if review == Review.REJECTED and not reason:
        raise DataError("A rejection needs a reason.", "Say what is wrong, so that it can be mended.")
    if len(reason) > MOST_REASON:
        raise DataError(f"The reason has {len(reason):,} characters.", f"At most {MOST_REASON:,} are kept.")
    before = {"review": locked.review, "reason": locked.review_reason}
    values = {"review": review, "review_reason": reason, "reviewed_by": user, "reviewed_at": timezone.now()}
    for name, value in values.items():
        setattr(version, name, value)
        setattr(locked, name, value)
    locked.save(update_fields=list(values))
    after = {"review": review.value, "reason": reason}
    record(user, version.dataset.project, "version.reviewed", version, before, after)


def review_section(version: Version, role: Role) -> dict[str, Any]:
    """What the template ``curation/parts/review.html`` needs: the state in words, and the steps that ``role`` may take."""
    now = Review(version.review)
    steps = [
        {"value": step.value, "words": words, "danger": step in (Review.REJECTED, Review.ARCHIVED)}
        for step, words, needed in _STEPS[now]
        if role.level >= needed.level
    ]
    return {
        "state": review_state(version),
        "by": version.reviewed_by.username if version.reviewed_by else "",
        "at": moment(version.reviewed_at),
        "reason": version.review_reason,
        "steps": steps,
        "may_reject": any(step["value"] == Review.REJECTED for step in steps),
    }
