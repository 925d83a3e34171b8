"""What people put on runs to find them again: tags, stars, notes, and out of sight."""

import hashlib
import unicodedata

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Func, QuerySet

from engine.errors import UserError
from webapp.accounts.access import require_role
from webapp.accounts.models import Project, Role
from webapp.experiments.models import LONGEST_NOTES, LONGEST_TAG, MOST_TAGS, Run, RunStar

_SUGGESTED = 200


def clean_tag(text: str) -> str:
    """A tag as it is stored: without space around it, one space inside. Raises UserError for one that cannot be a tag."""
    tag = " ".join(text.split())
    if not tag:
        raise UserError("A tag needs a name.", "Write a word or two.")
    if len(tag) > LONGEST_TAG:
        raise UserError(f"The tag is {len(tag)} characters long, at most {LONGEST_TAG} will do.", "Shorten it.")
    if "," in tag or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in tag):
        raise UserError("A tag has no comma and no control character.", "Leave them out.")
    return tag


def with_tag(tags: list[str], tag: str) -> list[str]:
    """``tags`` and ``tag``, sorted; raises UserError if those were too many."""
    more = sorted({*tags, tag})
    if len(more) > MOST_TAGS:
        raise UserError(f"A run has at most {MOST_TAGS} tags.", "Remove one first.")
    return more


def tags_of(project: Project) -> list[str]:
    """The project's tags, for suggestions, in order of the alphabet."""
    runs = Run.objects.filter(project=project).exclude(tags=[])
    found = runs.annotate(tag=Func("tags", function="unnest")).values_list("tag", flat=True).distinct().order_by("tag")
    return list(found[:_SUGGESTED])


def set_star(runs: QuerySet[Run], user: User, *, starred: bool) -> int:
    """Star the runs for ``user``, or take the stars away; returns how many changed. Doing it twice changes nothing."""
    if not starred:
        return RunStar.objects.filter(run__in=runs.values("pk"), user=user).delete()[0]
    had = set(RunStar.objects.filter(run__in=runs.values("pk"), user=user).values_list("run", flat=True))
    new = [RunStar(run_id=pk, user=user) for pk in runs.values_list("pk", flat=True) if pk not in had]
    RunStar.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


@transaction.atomic
def change_tags(run: Run, user: User, *, add: str = "", remove: str = "") -> None:
    """Add one tag, or remove one. Refreshes ``run.tags``. Raises PermissionDenied, or UserError for what cannot be a tag."""
    locked = _locked(run, user)
    tags = with_tag(locked.tags, clean_tag(add)) if add else list(locked.tags)
    locked.tags = [tag for tag in tags if tag != remove]
    locked.save(update_fields=["tags"])
    run.tags = locked.tags


@transaction.atomic
def set_tags(run: Run, user: User, tags: list[str]) -> None:
    """Put ``tags`` in the place of those there are. Refreshes ``run.tags``. Raises as ``change_tags`` does."""
    locked, wanted = _locked(run, user), list[str]()
    for tag in tags:
        wanted = with_tag(wanted, clean_tag(tag))
    locked.tags = wanted
    locked.save(update_fields=["tags"])
    run.tags = wanted


def notes_stamp(notes: str) -> str:
    """Stands for these notes, to see that nobody changed them meanwhile."""
    return hashlib.sha256(notes.encode()).hexdigest()[:16]


def clean_notes(text: str) -> str:
    """Notes as they are stored; raises UserError if they are too long."""
    notes = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if len(notes) > LONGEST_NOTES:
        raise UserError(f"The notes have {len(notes):,} characters, at most {LONGEST_NOTES:,} fit.", "Shorten them.")
    return notes


@transaction.atomic
def change_notes(run: Run, user: User, text: str, seen: str) -> None:
    """Replace the notes. Refreshes ``run.notes``.

    Args:
        seen: ``notes_stamp`` of the notes that the person began with.

    Raises:
        PermissionDenied: no researcher. UserError: too long, or somebody has changed them since.
    """
    locked, notes = _locked(run, user), clean_notes(text)
    if notes_stamp(locked.notes) not in (seen, notes_stamp(notes)):
        raise UserError(
            "Somebody has changed these notes since you began.", "Compare yours with theirs, above; saving again keeps yours."
        )
    locked.notes = notes
    locked.save(update_fields=["notes"])
    run.notes = notes


def _locked(run: Run, user: User) -> Run:
    require_role(user, run.project, Role.RESEARCHER)
    return Run.objects.select_for_update(of=("self",), no_key=True).only("pk", "tags", "notes").get(pk=run.pk)
