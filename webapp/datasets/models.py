"""Datasets and their immutable versions. Interactions live in Parquet; Postgres holds metadata."""

from typing import ClassVar

from django.contrib.auth.models import User
from django.db import models

from webapp.accounts.models import Project


class Dataset(models.Model):
    """A named thing that people curate."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    generated = models.BooleanField(default=False, help_text="made by a program, not by people's behaviour; pages say so")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "name"], name="dataset_name_in_project")]

    def __str__(self) -> str:
        return self.name


class VersionState(models.TextChoices):
    """queued -> ingesting -> ready | failed; of a deleted one only the row is left."""

    QUEUED = "queued", "queued"
    INGESTING = "ingesting", "ingesting"
    READY = "ready", "ready"
    FAILED = "failed", "failed"
    DELETED = "deleted", "deleted"


class Version(models.Model):
    """An uploaded pair of files on its way to an immutable, content-hashed Parquet folder, and that folder once it is ready."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=VersionState.choices, default=VersionState.QUEUED)
    filters = models.JSONField(default=dict, help_text="engine.spec.FilterSpec as JSON")
    upload_key = models.CharField(
        max_length=300, help_text="storage folder that holds the uploaded files under their checked names"
    )
    attempt = models.PositiveIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, help_text="what went wrong, for people")
    hint = models.TextField(blank=True, help_text="what to do about it")
    notices = models.JSONField(default=list, help_text="list of strings: what was changed or looked odd while reading")
    hash = models.CharField(max_length=64, blank=True)
    storage_key = models.CharField(max_length=300, blank=True, help_text="storage folder of the Parquet files")
    users = models.PositiveIntegerField(null=True, blank=True)
    items = models.PositiveIntegerField(null=True, blank=True)
    interactions = models.PositiveBigIntegerField(null=True, blank=True)
    manifest = models.JSONField(default=dict)
    leakage = models.JSONField(
        default=dict, help_text="engine.data.leakage.LeakageReport of leave-one-out; or problem, in words; empty: not looked yet"
    )
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["dataset", "number"], name="version_number_in_dataset")]

    def __str__(self) -> str:
        return f"{self.dataset.name} v{self.number}"


class DerivedKind(models.TextChoices):
    """What can be made of a version: archives in the formats of engine.data.export, a report, a comparison with another "
    "version."""

    PARQUET = "parquet", "Parquet"
    CSV = "csv", "CSV for spreadsheets"
    CSV_RAW = "csv-raw", "CSV for programs"
    RECBOLE = "recbole", "RecBole atomic files"
    LEAKAGE = "leakage", "leakage report"
    DIFFERENCE = "difference", "difference"


DOWNLOADS = (DerivedKind.PARQUET, DerivedKind.CSV, DerivedKind.CSV_RAW, DerivedKind.RECBOLE)


class DerivedState(models.TextChoices):
    """queued -> making -> ready | failed."""

    QUEUED = "queued", "queued"
    MAKING = "making", "being made"
    READY = "ready", "ready"
    FAILED = "failed", "failed"


class Derived(models.Model):
    """Something that a worker makes of a version when it is asked for, once: a version never changes."""

    id: int
    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="derived")
    kind = models.CharField(max_length=12, choices=DerivedKind.choices)
    other = models.ForeignKey(
        Version, on_delete=models.CASCADE, null=True, blank=True, related_name="+", help_text="of a difference: the later version"
    )
    state = models.CharField(max_length=8, choices=DerivedState.choices, default=DerivedState.QUEUED)
    asked_at = models.DateTimeField(help_text="when a worker was last asked")
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="when a worker began")
    storage_key = models.CharField(max_length=300, blank=True, help_text="storage folder of an archive")
    file_name = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True, help_text="bytes of the archive")
    result = models.JSONField(default=dict, help_text="lost: sentences, of an archive; else the report or the difference")
    error = models.TextField(blank=True)
    hint = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "kind"], condition=models.Q(other=None), name="derived_once"),
            models.UniqueConstraint(fields=["version", "kind", "other"], name="derived_once_with_other"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.version}"
