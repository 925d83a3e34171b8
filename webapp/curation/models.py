"""Curating a version: its items as rows that can be searched, and drafts of what a new version should change."""

from typing import ClassVar

from django.contrib.auth.models import User
from django.db import models

from webapp.datasets.models import Version


class CatalogueItem(models.Model):
    """An item of a version, copied from its Parquet file by a worker when somebody first curates the version."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="catalogue")
    item_id = models.TextField()
    title = models.TextField()
    categories = models.JSONField(default=list, help_text="list of strings")
    description = models.TextField(blank=True)
    interactions = models.PositiveIntegerField()
    words = models.TextField(help_text="id, title and categories in lower case: what a search looks through")
    title_key = models.CharField(max_length=200, blank=True, help_text="the title's letters and digits; empty: no own title")
    twins = models.PositiveIntegerField(default=0, help_text="other items of the version with the same title key")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["version", "item_id"], name="item_in_version")]
        indexes: ClassVar = [
            models.Index(fields=["version", "-interactions", "id"], name="item_by_popularity"),
            models.Index(fields=["version", "title_key"], name="item_twins", condition=models.Q(twins__gt=0)),
        ]

    def __str__(self) -> str:
        return self.title


class Draft(models.Model):
    """Edits of a version that are being collected; ``made`` is the version that they became."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="drafts")
    made = models.ForeignKey(Version, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"draft {self.pk} of {self.version}"


class EditKind(models.TextChoices):
    """What an edit does."""

    CHANGE = "change", "text changed"
    MERGE = "merge", "merged"
    EXCLUDE_ITEM = "exclude-item", "item excluded"
    EXCLUDE_USER = "exclude-user", "user excluded"


class DraftEdit(models.Model):
    """One edit in a draft."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="edits")
    kind = models.CharField(max_length=12, choices=EditKind.choices)
    target = models.TextField(help_text="id of the item, or of the user")
    values = models.JSONField(default=dict, help_text="change: title, categories, description; merge: into")
    made_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["draft", "kind", "target"], name="one_edit_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.target}"
