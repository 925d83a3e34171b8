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
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "name"], name="dataset_name_in_project")]

    def __str__(self) -> str:
        return self.name


class VersionState(models.TextChoices):
    """queued -> ingesting -> ready | failed."""

    QUEUED = "queued", "queued"
    INGESTING = "ingesting", "ingesting"
    READY = "ready", "ready"
    FAILED = "failed", "failed"


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
    progress = models.JSONField(default=dict, help_text="step, and done and of in bytes where they are known, while it is read")
    report = models.JSONField(default=dict, help_text="rejected: rows left out; reasons: each with its number and first lines")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["dataset", "number"], name="version_number_in_dataset")]

    def __str__(self) -> str:
        return f"{self.dataset.name} v{self.number}"


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
