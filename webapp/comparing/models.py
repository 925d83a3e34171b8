"""What workers have found out about runs side by side. Pages only look."""

from typing import ClassVar

from django.db import models


class RunComparison(models.Model):
    """The significance of the differences among a set of runs, all of one fairness class.

    A row is a question, asked once, whoever asks: the key is made of the metric, the pairs, and the runs with the moments at
    which they ended, so that a run that was extended makes another question.
    """

    key = models.CharField(max_length=64, unique=True)
    metric = models.CharField(max_length=40)
    runs = models.JSONField(help_text="ids of the runs, ascending")
    reference = models.BigIntegerField(null=True, blank=True, help_text="each run against this one; empty: every pair")
    asked_at = models.DateTimeField(help_text="when a worker was last asked")
    answered_at = models.DateTimeField(null=True, blank=True)
    answer = models.JSONField(
        default=dict,
        help_text="users; pairs: list of [run a, run b, difference, low, high, p, corrected p]; without: what is wrong with "
        "a run, by its id; problem: why there is no pair, in words",
    )

    class Meta:
        indexes: ClassVar = [models.Index(fields=["asked_at"])]

    def __str__(self) -> str:
        return f"{self.metric} of {len(self.runs)} runs"
