"""Which run is a dataset's current model: promoting one, and going back to the one before."""

from collections.abc import Collection, Iterator

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from engine.errors import UserError
from webapp.accounts.access import require_role
from webapp.accounts.models import Role
from webapp.audit.trail import record
from webapp.datasets.models import HEAVY, Dataset, Version, VersionState
from webapp.delivering.models import LONGEST_NOTE, Promotion
from webapp.experiments.models import Run, RunState

_HEAVY_OF_RUN = ("progress", "slices", "mask", "curve", "curve_at", "warnings", "notes", "spec")
_HEAVY = tuple(
    f"run__{part}{name}"
    for part, names in (("", _HEAVY_OF_RUN), ("refits__", _HEAVY_OF_RUN), ("version__", HEAVY))
    for name in names
)


def promotions_of(dataset: Dataset) -> QuerySet[Promotion]:
    """The history of a dataset's models, newest first, each with its run, that run's version, and the run that it refits."""
    found = dataset.promotions.select_related("dataset", "by", "run__version__dataset", "run__refits")
    return found.defer(*_HEAVY).order_by("-pk")


def current_of(dataset: Dataset) -> Promotion | None:
    """The promotion of the dataset's current model; None if there is none."""
    return promotions_of(dataset).filter(superseded_at=None).first()


def former_of(history: Collection[Promotion]) -> Promotion | None:
    """Of a history, newest first, the one to go back to: the newest of another run than the current; None without one."""
    found = list(history)
    current = next((one for one in found if one.superseded_at is None), None)
    return next((one for one in found if current and one.run_number != current.run_number and one.run is not None), None)


@transaction.atomic
def promote_run(run: Run, user: User, note: str = "") -> Promotion:
    """Make ``run`` the current model of its dataset. Promoting the current one changes nothing.

    Raises:
        PermissionDenied: the user is no curator of the project.
        UserError: the run has no model, its version is gone, or the note is too long.
    """
    require_role(user, run.project, Role.CURATOR)
    note = note.replace("\x00", "").strip()
    if len(note) > LONGEST_NOTE:
        raise UserError(f"The note has {len(note):,} characters.", f"Write {LONGEST_NOTE} or fewer.")
    # One after the other; and neither run nor version may be deleted meanwhile.
    dataset = Dataset.objects.select_for_update(of=("self",), no_key=True).get(pk=run.version.dataset_id)
    locked_version = Version.objects.select_for_update(of=("self",), no_key=True).only("state").get(pk=run.version_id)
    locked = Run.objects.select_for_update(of=("self",), no_key=True).only("state", "project").filter(pk=run.pk).first()
    if locked is None:
        raise UserError(f"{run} was deleted.", "Promote another run.")
    if locked.state != RunState.SUCCEEDED:
        raise UserError(f"{run} is {locked.get_state_display()}: it has no trained model.", "Promote a run that has succeeded.")
    if locked_version.state != VersionState.READY:
        raise UserError(f"The version of {run} is {locked_version.state}.", "Promote a run on a version that is ready.")
    current = dataset.promotions.filter(superseded_at=None).first()
    if current is not None and current.run_number == run.pk:
        return current
    dataset.promotions.filter(superseded_at=None).update(superseded_at=timezone.now())
    promotion = Promotion.objects.create(dataset=dataset, run=locked, run_number=run.pk, by=user, note=note)
    before = {"model": f"run-{current.run_number}" if current else None}
    record(user, run.project, "model.promoted", dataset, before=before, after={"model": str(run), "note": note})
    return promotion


def return_to_former(dataset: Dataset, user: User) -> Promotion:
    """Promote the run that was current before; raises PermissionDenied, or UserError if there is none."""
    require_role(user, dataset.project, Role.CURATOR)
    history = list(promotions_of(dataset))
    former = former_of(history)
    if former is None or former.run is None:
        raise UserError(f"{dataset} had no other model that is still there.", "Promote a run from its page.")
    return promote_run(former.run, user, f"back from run-{history[0].run_number}")


def held_runs(runs: Collection[int]) -> Iterator[tuple[int, str]]:
    """Those of ``runs`` that may not be deleted, with the reason: current models, and those that one click goes back to."""
    concerned = Promotion.objects.filter(run__in=runs)
    for dataset, (current, former) in _in_use(concerned).items():
        if current in runs:
            yield current, f"it is the current model of {dataset}"
        if former is not None and former in runs:
            yield former, f"{dataset} can go back to it with one click; promote another run first"


def held_of_version(version: Version) -> list[str]:
    """What of a version's runs is in use as a model, in words."""
    concerned = Promotion.objects.filter(dataset=version.dataset_id)
    used = {number for pair in _in_use(concerned).values() for number in pair if number is not None}
    runs = Run.objects.filter(pk__in=used, version=version).order_by("pk").only("pk")
    return [f"{run} (a model in use)" for run in runs]


def _in_use(concerned: "QuerySet[Promotion]") -> dict[Dataset, tuple[int, int | None]]:
    """The numbers of the current run and of the one before, by each dataset of the promotions ``concerned``."""
    others = Promotion.objects.filter(dataset=OuterRef("dataset"), run__isnull=False).exclude(run_number=OuterRef("run_number"))
    former = Subquery(others.order_by("-pk").values("run_number")[:1])
    current = Promotion.objects.filter(dataset__in=concerned.values("dataset"), superseded_at=None).select_related("dataset")
    return {one.dataset: (one.run_number, one.former) for one in current.annotate(former=former)}
