"""Which run is a dataset's current model, with its history; what is to replace it; and lists made for every user."""

from typing import ClassVar

from django.contrib.auth.models import User
from django.db import models

from webapp.datasets.models import Dataset, Version
from webapp.experiments.models import Run

LONGEST_NOTE = 500


class Promotion(models.Model):
    """A run became its dataset's current model. Rows are only added; the one that is not superseded is current."""

    id: int
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="promotions")
    run = models.ForeignKey(
        Run, on_delete=models.SET_NULL, null=True, related_name="promotions", help_text="none: it was deleted since"
    )
    run_number = models.BigIntegerField(help_text="the run's id, which outlives it")
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    note = models.CharField(max_length=LONGEST_NOTE, blank=True, help_text="why, in people's words; hostile text")
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dataset"], condition=models.Q(superseded_at=None), name="one_current_model")
        ]
        indexes: ClassVar = [models.Index(fields=["dataset", "-id"], name="promotion_of_dataset")]

    def __str__(self) -> str:
        return f"run-{self.run_number} as model of {self.dataset}"


class Refresh(models.Model):
    """The current model's settings, trained again on a newer version; once that is done, people decide whether it is promoted."""

    id: int
    replaces = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="refreshes")
    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="+", help_text="the newer one")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+", help_text="the same settings on that version")
    with_refit = models.BooleanField(help_text="the current model is a refit: this one is refitted too, when it has succeeded")
    refit = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"refresh of {self.replaces} on {self.version}"


class ListFormat(models.TextChoices):
    """Formats of lists for everybody, as ``engine.everyone.ListFormat``; TREC is of the test alone, by ``engine.neighbours``."""

    PARQUET = "parquet", "Parquet"
    CSV = "csv", "CSV for people"
    CSV_RAW = "csv-raw", "CSV for programs"
    JSONL = "jsonl", "JSON lines"
    TREC = "trec", "TREC run and qrels of the test"


class SeenRule(models.TextChoices):
    """What happens to items that a user has already."""

    PROTOCOL = "protocol", "as the run was evaluated"
    REMOVE = "remove", "leave them out"
    KEEP = "keep", "may be recommended again"


class ListsState(models.TextChoices):
    """queued -> making -> ready | failed | cancelled; a lost attempt goes back to queued."""

    QUEUED = "queued", "queued"
    MAKING = "making", "being made"
    READY = "ready", "ready"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


ACTIVE = (ListsState.QUEUED, ListsState.MAKING)


class UserLists(models.Model):
    """The best items for every user of a run's version, in one file. It is swept after some days."""

    id: int
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="user_lists")
    form = models.CharField(max_length=8, choices=ListFormat.choices)
    k = models.PositiveIntegerField(help_text="items a user, at most")
    seen = models.CharField(max_length=8, choices=SeenRule.choices, default=SeenRule.PROTOCOL)
    state = models.CharField(max_length=12, choices=ListsState.choices, default=ListsState.QUEUED)
    attempt = models.PositiveIntegerField(default=0, help_text="fencing number, as of runs")
    progress = models.JSONField(default=dict, help_text="done, total: users")
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    asked_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    storage_key = models.CharField(max_length=300, blank=True, help_text="the file in the storage")
    size = models.PositiveBigIntegerField(null=True, blank=True, help_text="bytes")
    users = models.PositiveIntegerField(null=True, blank=True, help_text="that have a list")
    rows = models.PositiveBigIntegerField(null=True, blank=True, help_text="recommendations in all")
    applied = models.CharField(max_length=8, blank=True, help_text="remove or keep: the rule that was applied")
    error = models.TextField(blank=True)
    hint = models.TextField(blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["state", "asked_at"], name="lists_waiting")]

    def __str__(self) -> str:
        return f"lists of {self.run} for everyone"

    @property
    def file_name(self) -> str:
        """What it is called when it is downloaded."""
        ending = {ListFormat.CSV_RAW.value: "csv", ListFormat.TREC.value: "trec.zip"}.get(self.form, self.form)
        return f"run-{self.run_id}-top-{self.k}.{ending}"
