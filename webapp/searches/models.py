"""Searches and their trials. A trial is an ordinary run with a place in a search; all that a search knows is in these rows."""

from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.db import models

from engine.search.plan import SearchPlan
from engine.search.trial import Candidate
from engine.spec import validate
from webapp.accounts.models import Project
from webapp.datasets.models import Version
from webapp.experiments.models import Run


class SearchState(models.TextChoices):
    """A search's life.

    running -> finishing (the full trainings of the winner and its rival) -> finished; failed where it cannot go on.
    paused starts nothing new, and resumes where it was; cancelled is for good. A search that is extended runs again.
    """

    RUNNING = "running", "running"
    PAUSED = "paused", "paused"
    FINISHING = "finishing", "finishing"
    FINISHED = "finished", "finished"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


ADVANCING_STATES = (SearchState.RUNNING, SearchState.FINISHING)
"""Workers propose and launch; pages poll."""
OPEN_STATES = (*ADVANCING_STATES, SearchState.PAUSED)
"""May still go on."""


class Stage(models.TextChoices):
    """What a trial is there for."""

    TRIAL = "trial", "trial"
    RIVAL = "rival", "trial of the rival's own settings"
    WINNER = "winner", "full training of the winner"
    UNIFORM = "uniform", "full training of uniform LoRA"


FINAL_STAGES = (Stage.WINNER, Stage.UNIFORM)


class TrialState(models.TextChoices):
    """What became of a trial: once it is not running any more, it never changes."""

    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


class Search(models.Model):
    """A search for the best adapter architecture on a version."""

    id: int
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="searches")
    number = models.PositiveIntegerField(help_text="counts from 1 within the project")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="searches")
    plan = models.JSONField(help_text="engine.search.plan.SearchPlan as JSON")
    at_once = models.PositiveIntegerField(
        help_text="trials that wait or run at the same time; one more than there are workers hides the time of suggestions"
    )
    state = models.CharField(max_length=12, choices=SearchState.choices, default=SearchState.RUNNING)
    message = models.TextField(blank=True, help_text="for people: the last warning of the suggestions, or why it failed")
    hint = models.TextField(blank=True, help_text="what to do about it")
    reference = models.CharField(max_length=16, blank=True, help_text="to find our own fault in the log")
    winner = models.JSONField(
        default=dict,
        help_text="of how many ended trials; number, mean, sd, reason as in engine.search.winner; importance of each layer",
    )
    answer = models.JSONField(default=dict, help_text="engine.search.answer.answer; empty before the first end")
    settled = models.CharField(
        max_length=120, blank=True, help_text="the standing for which a worker found nothing more to start (workers.searches)"
    )
    advancing_until = models.DateTimeField(
        null=True, blank=True, help_text="a worker prepares the next trials, and has the time until then to itself"
    )
    losses = models.PositiveIntegerField(default=0, help_text="how often in a row that worker was lost")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "searches"
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "number"], name="search_number_in_project")]
        indexes: ClassVar = [models.Index(fields=["project", "-id"]), models.Index(fields=["state"])]

    def __str__(self) -> str:
        return f"search-{self.number}"

    def read_plan(self) -> SearchPlan:
        """The plan; raises SpecError if its settings are of another release and no longer valid."""
        return validate(SearchPlan, self.plan)


class SearchTrial(models.Model):
    """One candidate and the run that trains it.

    Of a trial (also of the rival's) the value counts; the full trainings at the end are compared by their ranks.
    """

    id: int
    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="trials")
    stage = models.CharField(max_length=8, choices=Stage.choices)
    number = models.PositiveIntegerField(help_text="counts from 0 within the stage")
    candidate = models.JSONField(help_text="engine.search.trial.Candidate; a full training has a seed beside it")
    fingerprint = models.CharField(max_length=32, help_text="equal for equal candidates, with the seed of a full training")
    origin = models.CharField(max_length=200, blank=True, help_text="who proposed it")
    expected_mean = models.FloatField(null=True, blank=True, help_text="what the model expected of a full training")
    expected_sd = models.FloatField(null=True, blank=True)
    acquisition = models.FloatField(null=True, blank=True, help_text="log of the expected improvement, in the model's units")
    suggestion_seconds = models.FloatField(default=0, help_text="how long it took to propose it, with those proposed beside it")
    parameters = models.PositiveBigIntegerField(help_text="trainable adapter parameters")
    warning = models.TextField(blank=True, help_text="why the model was not asked although its turn had come")
    run = models.OneToOneField(Run, on_delete=models.RESTRICT, related_name="search_trial")
    state = models.CharField(max_length=10, choices=TrialState.choices, default=TrialState.RUNNING)
    value = models.FloatField(null=True, blank=True, help_text="validation NDCG@10 of a finished trial")
    fidelity = models.FloatField(default=1, help_text="share of a full trial that the value is worth; less if it was ended early")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["search", "stage", "number"], name="trial_number_once"),
            models.UniqueConstraint(fields=["search", "stage", "fingerprint"], name="candidate_once_in_stage"),
            models.CheckConstraint(
                condition=models.Q(state=TrialState.DONE, value__isnull=False)
                | (~models.Q(state=TrialState.DONE) & models.Q(value__isnull=True)),
                name="value_only_of_done_trials",
            ),
        ]
        ordering: ClassVar = ["search", "stage", "number"]

    def __str__(self) -> str:
        return f"{self.stage} {self.number} of {self.search}"

    def read_candidate(self) -> Candidate:
        """The candidate."""
        return Candidate.from_json(self.candidate)

    @property
    def seed(self) -> Any:
        """The seed of a full training, None for trials."""
        return self.candidate.get("seed")
