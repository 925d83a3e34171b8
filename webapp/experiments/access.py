"""Runs and groups of runs that a user may see; all else is answered 404."""

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import Http404

from webapp.datasets.models import HEAVY_OF_VERSION
from webapp.delivering.models import Promotion
from webapp.experiments.models import Run, RunGroup, RunStar


def runs_for_user(user: User) -> QuerySet[Run]:
    """The runs of all the user's projects."""
    return Run.objects.filter(project__memberships__user=user)


def get_run_for_user(user: User, pk: int) -> Run:
    """A run of one of the user's projects, or 404.

    ``starred`` says whether the user has starred it, ``continued_by`` is the newest run that extends it, or None; so is
    ``refitted_by`` of its refits. ``promoted``: it is its dataset's current model.
    """
    starred = Exists(RunStar.objects.filter(run=OuterRef("pk"), user=user))
    longer = Run.objects.filter(continues=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    refits = Run.objects.filter(refits=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    promoted = Exists(Promotion.objects.filter(run=OuterRef("pk"), superseded_at=None))
    known = {"starred": starred, "continued_by": Subquery(longer), "refitted_by": Subquery(refits), "promoted": promoted}
    runs = runs_for_user(user).filter(pk=pk).annotate(**known)
    related = runs.select_related(
        "project", "version__dataset", "created_by", "variant__group", "search_trial__search", "continues", "refits"
    )
    refitted = ("spec", "slices", "mask", "curve", "curve_at", "warnings", "notes", "progress")
    heavy = (
        *("search_trial__search__plan", "search_trial__search__answer", "continues__spec", "continues__slices"),
        *(f"refits__{name}" for name in refitted),
    )
    found = related.defer(*HEAVY_OF_VERSION, *heavy).first()
    if found is None:
        raise Http404("There is no such run, or it is not yours.")
    return found


def get_run_to_tell(user: User, pk: int) -> Run:
    """As ``get_run_for_user``, with no more than REST tells of a run: it is asked for again and again."""
    starred = Exists(RunStar.objects.filter(run=OuterRef("pk"), user=user))
    untold = ("intervals", "mask", "curve", "curve_at", "remedy")
    runs = runs_for_user(user).filter(pk=pk).annotate(starred=starred).select_related("version__dataset")
    found = runs.defer(*HEAVY_OF_VERSION, *untold).first()
    if found is None:
        raise Http404("There is no such run, or it is not yours.")
    return found


def get_group_for_user(user: User, pk: int) -> RunGroup:
    """A group of runs of one of the user's projects, or 404."""
    groups = RunGroup.objects.filter(project__memberships__user=user, pk=pk)
    related = groups.select_related("project", "version__dataset", "source", "created_by")
    found = related.defer(*HEAVY_OF_VERSION, "source__spec", "source__slices", "source__intervals", "source__mask").first()
    if found is None:
        raise Http404("There is no such group of runs, or it is not yours.")
    return found
