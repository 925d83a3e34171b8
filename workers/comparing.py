"""Comparing a group's finished runs inside a child process: each variant with the base, paired over users."""

import io
import logging
from collections.abc import Iterable
from typing import Any

from django.core.files.storage import default_storage

from engine.errors import UserError
from engine.evaluation.compare import RankTable, paired, read_ranks
from webapp.experiments.events import MAIN_METRIC
from webapp.experiments.groups import RANKS, standings
from webapp.experiments.models import GroupVariant, Run, RunGroup
from workers.text import storable

_log = logging.getLogger(__name__)


def compare_group(pk: int) -> None:
    """Store the comparison of each variant whose finished runs, or the base's, have changed; nothing for a group that is gone.

    Looks again after it has stored them: of two that compare at the same time, the last one leaves nothing out of date.
    """
    group = RunGroup.objects.filter(pk=pk).first()
    if group is None:
        _log.info("group %d is gone: nothing to do", pk)
        return
    tables: dict[int, RankTable] = {}
    while True:
        waiting = [(now, variant) for now in standings(group) for variant in now.waiting]
        if not waiting:
            return
        for now, variant in waiting:
            pair = now.pair(variant)
            assert pair is not None  # noqa: S101 - it waits for one
            base = now.counted[now.variants[0].pk]
            values = _compared(now.counted[variant.pk], base, tables)
            GroupVariant.objects.filter(pk=variant.pk).update(comparison={**pair, **values})


def _compared(runs: list[Run], base: list[Run], tables: dict[int, RankTable]) -> dict[str, Any]:
    try:
        comparison = paired(_read(runs, tables), _read(base, tables), MAIN_METRIC)
    except UserError as error:
        return {"problem": storable(str(error))}
    return {"values": storable(comparison.model_dump(mode="json"))}


def _read(runs: Iterable[Run], tables: dict[int, RankTable]) -> list[RankTable]:
    for run in runs:
        if run.pk not in tables:
            tables[run.pk] = read_ranks_of(run, "Launch the group again.")
    return [tables[run.pk] for run in runs]


def read_ranks_of(run: Run, hint: str = "Launch it again.") -> RankTable:
    """The ranks that a finished run has stored; raises UserError, with ``hint``, if they are gone or damaged."""
    try:
        with default_storage.open(f"{run.folder_key}/{RANKS}") as file:
            return read_ranks(io.BytesIO(file.read()))
    except (FileNotFoundError, UserError) as error:
        # Any other failure of the storage may pass: this process ends then, and whoever needs it asks again.
        _log.warning("the ranks of %s cannot be read: %s", run, error)
        raise UserError(f"The ranks of {run} are gone or damaged.", hint) from error
