"""Questions to trained runs. A worker on the queue ``serve`` answers them, with models that stay warm."""

from typing import ClassVar

from django.contrib.auth.models import User
from django.db import models

from webapp.experiments.models import Run


class AskKind(models.TextChoices):
    """What can be asked of a run."""

    RECOMMEND = "recommend", "recommendations after a history"
    USER = "user", "recommendations for a user of the version"


class AskState(models.TextChoices):
    """asked -> answered | failed."""

    ASKED = "asked", "asked"
    ANSWERED = "answered", "answered"
    FAILED = "failed", "failed"


class Ask(models.Model):
    """A question to a run that has succeeded. It changes nothing, so one that is answered twice does no harm."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="asks")
    kind = models.CharField(max_length=12, choices=AskKind.choices)
    question = models.JSONField(
        help_text="recommend: items (ids, oldest first), k, query (also find titles); user: user (an id), k"
    )
    state = models.CharField(max_length=8, choices=AskState.choices, default=AskState.ASKED)
    answer = models.JSONField(
        default=dict,
        help_text="recommend: history, found, recommended; user: user, history, target, rank, recommended; both: seen (remove or "
        "keep), catalogue, seconds, opened (seconds that loading took, 0 where all was in memory)",
    )
    error = models.TextField(blank=True, help_text="what went wrong, for people")
    hint = models.TextField(blank=True, help_text="what to do about it")
    asked_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    taken_at = models.DateTimeField(null=True, blank=True, help_text="when a worker began to answer")
    heartbeat_at = models.DateTimeField(null=True, blank=True, help_text="that worker's last sign of life")
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["state", "asked_at"], name="ask_waiting")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.run}"

    @property
    def channel(self) -> str:
        """Where Postgres tells that it was answered."""
        return f"ask_{self.pk}"
