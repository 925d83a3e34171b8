"""A group's runs side by side: which of them may be compared, and which comparisons are still to be made.

The comparisons read a table of ranks for each run and resample thousands of times, so a worker makes them, once for each set
of finished runs, and stores them; pages only look. No engine code that is heavy to load is imported here.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import IntegerField, Prefetch, Q
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast
from django.utils import timezone

from webapp.broker import COMPARE_TASK, ask_or_wait
from webapp.datasets.models import HEAVY_OF_VERSION, Version
from webapp.experiments.models import ACTIVE_STATES, GroupVariant, Run, RunGroup, RunState

RANKS = "ranks_test.parquet"
"""The file in a run's folder that holds the rank of each user's held-out item."""
_ASK_AGAIN = timedelta(seconds=60)
_HEAVY = ("spec", "data", "valid", "warnings", "slices", "intervals", "mask", "hint")


@dataclass(frozen=True)
class Standing:
    """How a group stands on one version.

    Attributes:
        variants: in order, the base first.
        runs: all runs of a variant by its id, in order of their seeds; each has ``seed``.
        counted: those that succeeded under the group's protocol.
        protocol: the group's, that of the first variant's first seed that succeeded; empty before.
        users: users evaluated under it.
    """

    variants: list[GroupVariant]
    runs: dict[int, list[Run]]
    counted: dict[int, list[Run]]
    protocol: dict[str, Any]
    users: int | None

    @property
    def version(self) -> Version | None:
        """The version that all its runs are on; None for the group's own."""
        return self.variants[0].version if self.variants else None

    @property
    def active(self) -> bool:
        """Whether a run still changes by itself."""
        return any(run.state in ACTIVE_STATES for runs in self.runs.values() for run in runs)

    def pair(self, variant: GroupVariant) -> dict[str, list[int]] | None:
        """The ids of the runs to compare: the variant's and the base's. None for the base, and where a side has none."""
        base = self.variants[0]
        if variant.pk == base.pk or not self.counted[variant.pk] or not self.counted[base.pk]:
            return None
        return {"runs": _ids(self.counted[variant.pk]), "base": _ids(self.counted[base.pk])}

    def compared(self, variant: GroupVariant) -> bool:
        """Whether what is stored is the comparison of the runs that are finished now."""
        pair = self.pair(variant)
        return pair is None or {name: variant.comparison.get(name) for name in pair} == pair

    @property
    def waiting(self) -> list[GroupVariant]:
        """Variants whose comparison is still to be made."""
        return [variant for variant in self.variants if not self.compared(variant)]


def standings(group: RunGroup) -> list[Standing]:
    """Read the group's variants and runs, a standing for each version: numbers of different versions are never compared.

    Two queries, however many runs there are.
    """
    seed = Cast(KeyTextTransform("seed", KeyTransform("training", "spec")), IntegerField())
    runs = Run.objects.annotate(seed=seed).defer(*_HEAVY).order_by("seed", "pk")
    related = group.variants.prefetch_related(Prefetch("runs", queryset=runs)).select_related("version__dataset")
    by_version: dict[int | None, list[GroupVariant]] = {}
    for variant in related.defer(*HEAVY_OF_VERSION).order_by("position"):
        by_version.setdefault(variant.version_id, []).append(variant)
    return [_standing(variants) for variants in by_version.values()]


def _standing(variants: list[GroupVariant]) -> Standing:
    by_variant = {variant.pk: list(variant.runs.all()) for variant in variants}
    finished = {key: [run for run in found if run.state == RunState.SUCCEEDED] for key, found in by_variant.items()}
    first = next((run for found in finished.values() for run in found), None)
    protocol, users = (first.protocol, first.users_evaluated) if first else ({}, None)
    # The fairness guard: numbers stand side by side only under one protocol.
    counted = {
        key: [run for run in found if (run.protocol, run.users_evaluated) == (protocol, users)] for key, found in finished.items()
    }
    return Standing(variants, by_variant, counted, protocol, users)


def ask_for_comparisons(group: RunGroup) -> None:
    """Ask a worker to compare, unless one was asked within the last minute."""
    now = timezone.now()
    due = Q(comparison_asked_at__isnull=True) | Q(comparison_asked_at__lt=now - _ASK_AGAIN)
    if RunGroup.objects.filter(due, pk=group.pk).update(comparison_asked_at=now):
        transaction.on_commit(lambda: ask_or_wait(COMPARE_TASK, group.pk))


def _ids(runs: list[Run]) -> list[int]:
    return sorted(run.pk for run in runs)
