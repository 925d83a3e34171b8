"""What a project may use where that differs from the site's defaults, and what it is known to use."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from webapp.accounts.models import Project
from webapp.datasets.models import Version
from webapp.experiments.models import Run

_RANGE = (MinValueValidator(0), MaxValueValidator(1e9))
_DEFAULT = "empty: the site's default; 0: no limit"


class ProjectQuota(models.Model):
    """A project's own limits, set by an admin of the site."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="quota")
    disk_gb = models.FloatField("disk, GB", null=True, blank=True, validators=_RANGE, help_text=_DEFAULT)
    queued_runs = models.PositiveIntegerField("runs that wait", null=True, blank=True, help_text=_DEFAULT)
    run_hours = models.FloatField("hours of one run", null=True, blank=True, validators=_RANGE, help_text=_DEFAULT)
    month_hours = models.FloatField("hours of all runs in a month", null=True, blank=True, validators=_RANGE, help_text=_DEFAULT)

    def __str__(self) -> str:
        return f"limits of {self.project}"


class StoredFolder(models.Model):
    """How large a folder of the storage was when it was last measured. It goes with what it belongs to."""

    key = models.CharField(max_length=300, unique=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(Version, on_delete=models.CASCADE, null=True, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, null=True, related_name="+")
    size = models.PositiveBigIntegerField(help_text="bytes")
    measured_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.key}: {self.size} bytes"


class MonthOfWork(models.Model):
    """What workers spent on a project's runs in a month (UTC), counted as attempts end: runs that are deleted stay in it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    month = models.DateField(help_text="its first day")
    seconds = models.FloatField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "month"], name="one_row_a_month")]

    def __str__(self) -> str:
        return f"{self.project}, {self.month:%Y-%m}: {self.seconds:.0f} s"
