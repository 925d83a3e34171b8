"""The audit trail: who changed what, and when. Append-only: the database refuses to change or delete an entry."""

from typing import ClassVar

from django.db import models


class AuditEntry(models.Model):
    """One change. It names people and objects by value: an entry outlives what it tells of."""

    at = models.DateTimeField(auto_now_add=True)
    project_id = models.BigIntegerField(null=True)
    user_id = models.BigIntegerField(null=True)
    username = models.CharField(max_length=150, blank=True, help_text="as it was then; empty: nobody was signed in")
    action = models.CharField(max_length=60, help_text="object and verb, e.g. version.created")
    object_type = models.CharField(max_length=40)
    object_id = models.BigIntegerField()
    object_name = models.CharField(max_length=300)
    before = models.JSONField(null=True, help_text="what was changed, as it was; null for something new")
    after = models.JSONField(null=True, help_text="likewise, as it is now; null for something deleted")

    class Meta:
        verbose_name_plural = "audit entries"
        indexes: ClassVar = [models.Index(fields=["project_id", "-id"], name="audit_of_project")]

    def __str__(self) -> str:
        return f"{self.action}: {self.object_name}"
