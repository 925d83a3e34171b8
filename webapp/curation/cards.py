"""Changing the data card of a dataset."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from webapp.audit.trail import differences, record
from webapp.datasets.display import CARD
from webapp.datasets.models import Dataset


@transaction.atomic
def edit_card(dataset: Dataset, user: User, values: dict[str, str]) -> None:
    """Set texts of the card, by their names in ``CARD``; what is left out, or equal, stays. Changes ``dataset`` too."""
    locked = Dataset.objects.select_for_update(no_key=True).get(pk=dataset.pk)
    before: dict[str, Any] = {name: getattr(locked, name) for name in CARD}
    old, new = differences(before, values)
    for name, text in new.items():
        setattr(locked, name, text)
    for name in CARD:
        setattr(dataset, name, getattr(locked, name))
    if new:
        locked.save(update_fields=list(new))
        record(user, dataset.project, "dataset.card-edited", dataset, old, new)
