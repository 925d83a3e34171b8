"""What people are told when something of theirs has ended, and its way to them by e-mail or webhook."""

from typing import ClassVar

from django.contrib.auth.models import User
from django.db import models

from webapp.accounts.models import Project

KEPT_DAYS = 30


class Subject(models.TextChoices):
    """What a notice is about."""

    RUN = "run", "run"
    GROUP = "group", "group"
    SEARCH = "search", "search"
    VERSION = "version", "version"
    TEST = "test", "test"


class Notice(models.Model):
    """One sentence to one person. It is written in the transaction in which what it tells becomes true."""

    id: int
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, null=True, related_name="+", help_text="only its members see it; none: of no project"
    )
    subject = models.CharField(max_length=8, choices=Subject.choices)
    object_id = models.PositiveBigIntegerField(null=True, help_text="primary key of what it is about")
    outcome = models.CharField(max_length=12, help_text="how it ended, e.g. succeeded, failed, cancelled")
    title = models.CharField(max_length=300, help_text="the sentence; names in it are hostile text")
    detail = models.TextField(blank=True, help_text="why, or what to do")
    path = models.CharField(max_length=200, blank=True, help_text="address of its page, without the host")
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="notices_of_user"),
            models.Index(fields=["user", "project"], condition=models.Q(read_at=None), name="unread_of_user"),
        ]

    def __str__(self) -> str:
        return self.title


class Channel(models.TextChoices):
    """A way to a person who is not looking."""

    EMAIL = "email", "e-mail"
    WEBHOOK = "webhook", "webhook"


class Preferences(models.Model):
    """Which ways a person wants; without a row, none."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="notice_preferences")
    email_on = models.BooleanField(default=False)
    webhook_url = models.CharField(max_length=500, blank=True, help_text="empty: none")
    webhook_salt = models.CharField(
        max_length=64, blank=True, help_text="the secret of the signature is made of it and of SECRET_KEY; it is not stored"
    )

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"preferences of {self.user}"


class Delivery(models.Model):
    """A notice on its way by one channel. The row is the truth: the reaper asks again for what is due."""

    id: int
    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True, help_text="none: it was sent, or given up")
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, help_text="for its person; without secrets")

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [models.UniqueConstraint(fields=["notice", "channel"], name="one_delivery_a_channel")]
        indexes: ClassVar = [
            models.Index(fields=["next_try_at"], condition=models.Q(next_try_at__isnull=False), name="deliveries_due")
        ]

    def __str__(self) -> str:
        return f"{self.channel} of notice {self.notice_id}"
