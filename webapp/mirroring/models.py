"""Runs as they are mirrored to an MLflow server. The row says how far it is; the server itself is never asked for the truth."""

from typing import ClassVar

from django.db import models

from webapp.experiments.models import Run


class Mirror(models.Model):
    """One run's way to MLflow."""

    id: int
    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="mirror")
    remote_id = models.CharField(max_length=64, blank=True, help_text="MLflow's id of the run; empty: not made yet")
    described = models.BooleanField(default=False, help_text="parameters and tags are there")
    told_event = models.PositiveBigIntegerField(default=0, help_text="primary key of the last event that is there")
    finished_at = models.DateTimeField(null=True, blank=True, help_text="when the end was told; none: there may be more")
    next_try_at = models.DateTimeField(null=True, blank=True, help_text="none: all was told, or it was given up")
    tries = models.PositiveIntegerField(default=0, help_text="since the last that went well")
    last_error = models.CharField(max_length=300, blank=True, help_text="without secrets")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["next_try_at"], condition=models.Q(next_try_at__isnull=False), name="mirrors_due")
        ]

    def __str__(self) -> str:
        return f"mirror of run {self.run_id}"
