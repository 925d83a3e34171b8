"""Drafts: edits of a version are collected until they are made into a new version. All writes are audited."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Q
from pydantic import ValidationError

from engine.data.edits import Edits
from engine.errors import DataError
from engine.spec import FilterSpec
from webapp.audit.trail import record
from webapp.curation.models import Draft, DraftEdit, EditKind
from webapp.datasets.deriving import derive_version
from webapp.datasets.models import HEAVY, Version, VersionState

MOST_EDITS = 50_000
_AUDITED = 200
"""An entry of the audit trail lists at most so many edits."""


@dataclass(frozen=True)
class NewEdit:
    """An edit to put into a draft; it replaces one of the same kind and target."""

    kind: EditKind
    target: str
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """What it replaces."""
        return self.kind.value, self.target


def open_draft(version: Version) -> Draft | None:
    """The draft of this version that is not made yet, or whose version could not be made, with its ``number_of_edits``."""
    unmade = Q(made=None) | Q(made__state=VersionState.FAILED)
    drafts = version.drafts.filter(unmade).select_related("made").annotate(number_of_edits=Count("edits"))
    return drafts.defer(*(f"made__{name}" for name in HEAVY)).order_by("-pk").first()


def edits_of(draft: Draft | None) -> Edits:
    """The draft's edits as the engine takes them; raises DataError for what cannot be done together."""
    rows = [(edit.kind, edit.target, edit.values) for edit in draft.edits.all()] if draft else []

    def of(kind: EditKind) -> list[tuple[str, dict[str, Any]]]:
        return [(target, values) for known, target, values in rows if known == kind]

    try:
        return Edits.model_validate(
            {
                "changes": [{"id": target, **values} for target, values in of(EditKind.CHANGE)],
                "merges": [{"source": target, **values} for target, values in of(EditKind.MERGE)],
                "exclude_items": [target for target, _ in of(EditKind.EXCLUDE_ITEM)],
                "exclude_users": [target for target, _ in of(EditKind.EXCLUDE_USER)],
            }
        )
    except ValidationError as error:
        words = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise DataError(f"These edits do not fit together: {words}.", "Take one of them out of the draft first.") from error


@transaction.atomic
def put_edits(version: Version, user: User, edits: Sequence[NewEdit]) -> Draft:
    """Put ``edits`` into the version's draft, which is begun if there is none.

    Raises:
        DataError: they do not fit together with what the draft holds, or it would hold too many; nothing is changed.
    """
    draft = _locked_draft(version, user)
    before = {(edit.kind, edit.target): edit.values for edit in _matching(draft, edits)}
    DraftEdit.objects.bulk_create(
        [DraftEdit(draft=draft, kind=edit.kind, target=edit.target, values=edit.values, made_by=user) for edit in edits],
        update_conflicts=True,
        unique_fields=["draft", "kind", "target"],
        update_fields=["values", "made_by", "made_at"],
    )
    if draft.edits.count() > MOST_EDITS:
        raise DataError(f"A draft holds at most {MOST_EDITS:,} edits.", "Make a version of these first.")
    edits_of(draft)
    new = {edit.key: edit.values for edit in edits}
    record(user, version.dataset.project, "draft.edited", draft, _audited(before), _audited(new))
    return draft


@transaction.atomic
def take_out(version: Version, user: User, edits: Iterable[DraftEdit]) -> None:
    """Take edits out of the version's open draft; those of other drafts are left alone."""
    draft = _locked_draft(version, user)
    gone = draft.edits.filter(pk__in=[edit.pk for edit in edits])
    before = {(edit.kind, edit.target): edit.values for edit in gone}
    if not before:
        return
    gone.delete()
    record(user, version.dataset.project, "draft.edited", draft, _audited(before), _audited({}))


@transaction.atomic
def make_version(version: Version, user: User, filters: FilterSpec) -> Version:
    """Queue the version that the open draft makes of ``version``; raises DataError if the draft is empty or makes no sense."""
    draft = _locked_draft(version, user)
    made = derive_version(version, user, filters, edits_of(draft))
    draft.made = made
    draft.save(update_fields=["made"])
    record(user, version.dataset.project, "draft.made", draft, None, {"version": str(made), **edits_of(draft).summary()})
    return made


def _locked_draft(version: Version, user: User) -> Draft:
    # Who edits a version waits for who else does: there is one open draft.
    locked = Version.objects.select_for_update(no_key=True).get(pk=version.pk)
    draft = open_draft(locked) or Draft.objects.create(version=version, created_by=user)
    if draft.made_id is not None:
        # Its version failed: it is open again.
        Draft.objects.filter(pk=draft.pk).update(made=None)
        draft.made = None
    return draft


def _matching(draft: Draft, edits: Sequence[NewEdit]) -> list[DraftEdit]:
    wanted = {edit.key for edit in edits}
    found = draft.edits.filter(target__in={edit.target for edit in edits})
    return [edit for edit in found if (edit.kind, edit.target) in wanted]


def _audited(edits: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    """Edits as the trail may keep them for ever: users who are left out are only counted."""
    items = [(kind, target, values) for (kind, target), values in sorted(edits.items()) if kind != EditKind.EXCLUDE_USER]
    shown = [{"kind": kind, "item": target, **values} for kind, target, values in items[:_AUDITED]]
    return {"edits": len(edits), "items": shown, "users": len(edits) - len(items)}
