"""Datasets and their immutable versions. Interactions live in Parquet; Postgres holds metadata."""

import uuid
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
    source = models.TextField(blank=True, help_text="where the data come from: an address, a system, a period")
    licence = models.TextField(blank=True, help_text="what may be done with them, by which licence or agreement")
    purpose = models.TextField(blank=True, help_text="what they were collected for, and what they are fit for")
    contact = models.TextField(blank=True, help_text="whom to ask")
    known_faults = models.TextField(blank=True, help_text="what is known to be wrong or missing")
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


class Review(models.TextChoices):
    """What people think of a version; it changes nothing in it."""

    NONE = "", "not reviewed"
    SUBMITTED = "submitted", "submitted"
    APPROVED = "approved", "approved"
    REJECTED = "rejected", "rejected"
    ARCHIVED = "archived", "archived"


HEAVY = ("manifest", "notices", "profile", "leakage", "edits")
"""The large columns of a version, which lists leave in the database."""
HEAVY_OF_VERSION = tuple(f"version__{name}" for name in HEAVY)


class Version(models.Model):
    """Uploaded files, or changes of a parent, on their way to an immutable, content-hashed Parquet folder; then that folder."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=VersionState.choices, default=VersionState.QUEUED)
    filters = models.JSONField(default=dict, help_text="engine.spec.FilterSpec as JSON")
    upload_key = models.CharField(
        max_length=300,
        blank=True,
        help_text="storage folder that holds the uploaded files under their checked names; empty: made from its parent",
    )
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="children")
    edits = models.JSONField(default=dict, help_text="engine.data.edits.Edits as JSON: what is changed of the parent")
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
    profile = models.JSONField(default=dict, help_text="engine.data.profile.Profile as JSON; empty where there is none yet")
    review = models.CharField(max_length=12, choices=Review.choices, blank=True, default=Review.NONE)
    review_reason = models.TextField(blank=True, help_text="why it was rejected, or what to know about it")
    reviewed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    progress = models.JSONField(default=dict, help_text="step, and done and of in bytes where they are known, while it is read")
    report = models.JSONField(default=dict, help_text="rejected: rows left out; reasons: each with its number and first lines")
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
    attempt = models.PositiveIntegerField(default=0, help_text="fencing number, as of runs")
    heartbeat_at = models.DateTimeField(null=True, blank=True, help_text="the last sign of life of the worker that makes it")
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


class QuestionKind(models.TextChoices):
    """What can be asked about a version."""

    PROFILE = "profile", "profile"
    PREVIEW = "preview", "preview of filters"
    ITEMS = "items", "list of items"
    SEQUENCE = "sequence", "what a model sees"


class QuestionState(models.TextChoices):
    """asked -> answered | failed."""

    ASKED = "asked", "asked"
    ANSWERED = "answered", "answered"
    FAILED = "failed", "failed"


class Question(models.Model):
    """Something about a ready version that a worker finds out, because it takes reading the version.

    Asking changes nothing in the version, so a question that is worked on twice does no harm.
    """

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="questions")
    kind = models.CharField(max_length=12, choices=QuestionKind.choices)
    settings = models.JSONField(
        default=dict,
        help_text="preview: filters, engine.spec.FilterSpec as JSON; "
        "sequence: spec, engine.spec.RunSpec as JSON, and user, a number",
    )
    state = models.CharField(max_length=12, choices=QuestionState.choices, default=QuestionState.ASKED)
    answer = models.JSONField(
        default=dict,
        help_text="preview: engine.data.filter_preview.FilterPreview as JSON, and its seconds; "
        "sequence: engine.preview.model.SequencePreview as JSON",
    )
    error = models.TextField(blank=True, help_text="what went wrong, for people")
    hint = models.TextField(blank=True, help_text="what to do about it")
    asked_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["state", "asked_at"], name="question_waiting")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.version}"


class Upload(models.Model):
    """Files on their way to a version: they arrive in parts, are looked at, and are given to a version or swept after a day."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, help_text="names it in addresses and its folder in the storage")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, null=True, related_name="+", help_text="none: a new one")
    name = models.CharField(max_length=100, blank=True, help_text="of the new dataset")
    mapping = models.JSONField(null=True, help_text="engine.data.mapping.model.Mapping as JSON; none: not said, or not needed")
    version = models.OneToOneField(Version, on_delete=models.CASCADE, null=True, related_name="upload")
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"upload of {self.name or self.dataset}"

    @property
    def folder(self) -> str:
        """Its folder in the storage."""
        return f"uploads/{self.key}"


class UploadFile(models.Model):
    """One of the files."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="files")
    role = models.CharField(max_length=12, help_text="interactions or items")
    name = models.CharField(max_length=200, help_text="the person's, without folders")
    size = models.PositiveBigIntegerField(help_text="bytes")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["upload", "role"], name="one_file_a_role")]

    def __str__(self) -> str:
        return self.name


class UploadPart(models.Model):
    """A piece of a file that is in the storage."""

    file = models.ForeignKey(UploadFile, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField(help_text="from 0")
    size = models.PositiveBigIntegerField(help_text="bytes")
    sha256 = models.CharField(max_length=64)
    stored = models.CharField(max_length=300, help_text="its name in the storage")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["file", "number"], name="one_part_a_number")]

    def __str__(self) -> str:
        return f"part {self.number} of {self.file}"


class SavedMapping(models.Model):
    """A mapping that worked, to be used again in the project: one for each dataset, the last."""

    dataset = models.OneToOneField(Dataset, on_delete=models.CASCADE, related_name="saved_mapping")
    mapping = models.JSONField()

    def __str__(self) -> str:
        return f"like {self.dataset}"
