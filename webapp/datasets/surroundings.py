"""What stands around a version on its page: its report, downloads, other versions, its parent, and whether it may be deleted."""

from typing import Any

from webapp.accounts.access import Place
from webapp.accounts.models import Role
from webapp.datasets.leakage import summary
from webapp.datasets.models import DOWNLOADS, Version, VersionState

_IDLE = (VersionState.READY, VersionState.FAILED)


def surroundings(version: Version, place: Place) -> dict[str, Any]:
    """The context of these parts of the page."""
    siblings = Version.objects.filter(dataset=version.dataset_id, state=VersionState.READY).exclude(pk=version.pk)
    return {
        "leakage": summary(version),
        "downloads": DOWNLOADS,
        "others": list(siblings.order_by("-number").values_list("number", flat=True)),
        "parent": _parent(version),
        "may_delete": version.state in _IDLE and place.may(Role.CURATOR),
    }


def _parent(version: Version) -> dict[str, Any] | None:
    digest = version.manifest.get("parent")
    if not digest:
        return None
    known = Version.objects.filter(dataset=version.dataset_id, hash=digest, number__lt=version.number)
    number = known.order_by("-number").values_list("number", flat=True).first()
    return {"number": number, "hash": str(digest)[:10]}
