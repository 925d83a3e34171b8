"""Runs, what they reported, and what came out. Postgres is the truth about a run; a message only says "look at run 42"."""

from typing import ClassVar

from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from webapp.accounts.models import Project
from webapp.datasets.models import Version


class RunState(models.TextChoices):
    """A run's life.

    draft -> queued -> starting -> running -> evaluating -> succeeded | failed | cancelled | lost,
    with cancelling on the way to cancelled. A lost attempt goes back to queued; after the third the run is lost.
    """

    DRAFT = "draft", "draft"
    QUEUED = "queued", "queued"
    STARTING = "starting", "starting"
    RUNNING = "running", "running"
    EVALUATING = "evaluating", "evaluating"
    CANCELLING = "cancelling", "cancelling"
    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"
    LOST = "lost", "lost"


WORKING_STATES = (RunState.STARTING, RunState.RUNNING, RunState.EVALUATING, RunState.CANCELLING)
"""A worker holds the run, and it must beat."""
ACTIVE_STATES = (RunState.QUEUED, *WORKING_STATES)
"""The run will still change by itself: pages poll."""
ENDED_STATES = (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.LOST)
MAX_ATTEMPTS = 3
LONGEST_TAG = 40
MOST_TAGS = 20
"""Of one run."""
LONGEST_NOTES = 20_000
"""Characters."""


class GroupKind(models.TextChoices):
    """What the runs of a group are there for."""

    ABLATION = "ablation", "ablation"
    SEEDS = "seeds", "one spec over seeds"
    GRID = "grid", "methods x versions"


class RunGroup(models.Model):
    """Runs that were launched together and are read together: variants x seeds, under one protocol."""

    kind = models.CharField(max_length=12, choices=GroupKind.choices)
    name = models.CharField(max_length=120)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="groups")
    version = models.ForeignKey(
        Version,
        on_delete=models.PROTECT,
        related_name="groups",
        help_text="the first one, where variants have their own",
    )
    source = models.ForeignKey(
        "Run", on_delete=models.SET_NULL, null=True, related_name="groups", help_text="the run whose spec is the base"
    )
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    comparison_asked_at = models.DateTimeField(
        null=True, blank=True, help_text="when a worker was last asked to compare what is finished"
    )

    class Meta:
        indexes: ClassVar = [models.Index(fields=["project", "-id"])]

    def __str__(self) -> str:
        return f"{self.kind}-{self.pk}"


class GroupVariant(models.Model):
    """One line of a group's table; its runs differ in their seeds only. The first is the base, on each version."""

    group = models.ForeignKey(RunGroup, on_delete=models.CASCADE, related_name="variants")
    version = models.ForeignKey(
        Version, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="empty: the group's"
    )
    position = models.PositiveIntegerField(help_text="the first of a version is the base")
    label = models.CharField(max_length=80)
    sentence = models.TextField(help_text="what it shows")
    comparison = models.JSONField(
        default=dict,
        help_text="runs, base: ids of those compared; values: engine.evaluation.compare.Comparison; or problem, in words",
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["group", "label"], condition=models.Q(version=None), name="variant_once"),
            models.UniqueConstraint(fields=["group", "version", "label"], name="variant_once_a_version"),
        ]
        ordering: ClassVar = ["group", "position"]

    def __str__(self) -> str:
        return f"{self.label} of {self.group}"


class Run(models.Model):
    """One training and its evaluation."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="runs")
    method = models.CharField(max_length=60)
    preset = models.CharField(max_length=60, blank=True)
    spec = models.JSONField(help_text="engine.spec.RunSpec as JSON")
    state = models.CharField(max_length=12, choices=RunState.choices, default=RunState.DRAFT)
    attempt = models.PositiveIntegerField(
        default=0, help_text="fencing number: every write of a worker names the attempt it belongs to"
    )
    losses = models.PositiveIntegerField(
        default=0, help_text="attempts lost (killed, silent); an attempt that a stopping service gave back is none"
    )
    worker = models.CharField(max_length=200, blank=True, help_text="host and process id that holds the run")
    queued_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True, help_text="start of the current attempt")
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    progress = models.JSONField(default=dict, help_text="the last engine.events.ProgressEvent")
    error = models.TextField(blank=True)
    hint = models.TextField(blank=True)
    reference = models.CharField(
        max_length=16, blank=True, help_text="to find our own fault in the log; empty for the user's mistakes"
    )
    remedy = models.JSONField(
        default=dict,
        help_text="of a run that failed or was lost: kind (workers.failures.Kind), and where a change of settings may help, "
        "settings by dotted path and a label for it",
    )
    continues = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="continuations",
        help_text="the run whose training this one extends; it begins from a copy of that one's last checkpoint",
    )
    refits = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="refitted",
        help_text="the run whose choices this one trains on all interactions: it has no metrics, those of that run are quoted",
    )
    folder_key = models.CharField(max_length=300, blank=True, help_text="storage folder: checkpoints, model, ranks, result")
    data = models.JSONField(default=dict, help_text="engine.result.DataCounts")
    protocol = models.JSONField(default=dict, help_text="engine.result.Protocol")
    valid = models.JSONField(default=dict)
    curve = models.JSONField(default=list, help_text="validation NDCG@10 at each evaluation of the last stage of training")
    curve_at = models.JSONField(default=list, help_text="how far that stage was at each of them, 0 to 1")
    stopped_below = models.BooleanField(default=False, help_text="training.stop_below ended the last stage early")
    test = models.JSONField(default=dict)
    intervals = models.JSONField(
        default=dict, help_text="valid, test: lower and upper end of each metric's 95 % interval over users; empty: an older run"
    )
    slices = models.JSONField(default=list, help_text="list of engine.result.SliceLine")
    mask = models.JSONField(default=dict, help_text="engine.result.MaskSample; empty: none, or an older run")
    warnings = models.JSONField(default=list)
    acknowledged = models.JSONField(
        default=list, help_text="serious findings of the version's leakage report that were known and accepted at the launch"
    )
    seconds = models.FloatField(null=True, blank=True)
    epochs = models.PositiveIntegerField(null=True, blank=True)
    best_epoch = models.PositiveIntegerField(null=True, blank=True)
    users_evaluated = models.PositiveIntegerField(null=True, blank=True)
    trainable_parameters = models.PositiveBigIntegerField(null=True, blank=True)
    targets_per_second = models.FloatField(null=True, blank=True)
    machine = models.CharField(
        max_length=120, blank=True, help_text="what it was computed on: 'CPU, 2 threads', or a CUDA device"
    )
    peak_memory_bytes = models.PositiveBigIntegerField(null=True, blank=True, help_text="the most memory held at once")
    variant = models.ForeignKey(
        GroupVariant, on_delete=models.SET_NULL, null=True, blank=True, related_name="runs", help_text="its place in a group"
    )
    tags: "models.Field[list[str], list[str]]" = ArrayField(
        models.CharField(max_length=LONGEST_TAG), default=list, blank=True, help_text="sorted; people's words, hostile text"
    )
    notes = models.TextField(blank=True, help_text="Markdown; hostile text")
    archived_at = models.DateTimeField(null=True, blank=True, help_text="lists leave it out from then on")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["project", "-id"]),
            models.Index(fields=["project", "state", "-id"], name="run_of_state"),
            models.Index(fields=["project", "method", "-id"], name="run_of_method"),
            models.Index(fields=["state"]),
            GinIndex(fields=["tags"], name="run_tags"),
        ]

    def __str__(self) -> str:
        return f"run-{self.pk}"


class RunStar(models.Model):
    """A run that somebody wants to find again; everybody has their own."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="stars")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "run"], name="star_once")]

    def __str__(self) -> str:
        return f"{self.run_id} starred by {self.user_id}"


class RunColumns(models.Model):
    """The columns that somebody wants to see in the list of runs, unless an address names others."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    names = models.JSONField(default=list, help_text="names of webapp.experiments.fields, in order")

    def __str__(self) -> str:
        return f"columns of {self.user_id}"


class RunEvent(models.Model):
    """One event of the engine, as reported (progress is kept on the run only)."""

    id: int
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events")
    attempt = models.PositiveIntegerField()
    sequence = models.PositiveIntegerField(help_text="counts from 0 within an attempt")
    type = models.CharField(max_length=12)
    payload = models.JSONField()
    created_at = models.DateTimeField(db_index=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "attempt", "sequence"], name="event_once")]
        # For the curve, and for the warnings or checkpoints among many lines of a log.
        indexes: ClassVar = [models.Index(fields=["run", "type", "attempt", "sequence"], name="event_by_type")]
        ordering: ClassVar = ["run", "attempt", "sequence"]


class Ending(models.TextChoices):
    """How an attempt ended. A run goes on after one that was lost (twice at most) or given back."""

    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"
    LOST = "lost", "lost"
    GIVEN_BACK = "given back", "given back"


class AttemptRecord(models.Model):
    """One attempt of a worker at a run, for people; what counts is the run's own row."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField(help_text="as Run.attempt, from 1")
    worker = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ending = models.CharField(max_length=12, choices=Ending.choices, blank=True, help_text="empty: it has not ended")
    reason = models.TextField(blank=True, help_text="why it ended so, in words")
    reached = models.JSONField(default=dict, help_text="the last engine.events.ProgressEvent before it ended")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "number"], name="attempt_once")]
        ordering: ClassVar = ["run", "number"]

    def __str__(self) -> str:
        return f"attempt {self.number} at {self.run}"


class LayerAdapter(models.Model):
    """What one layer of the backbone got: a cell of the layer map."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="layers")
    layer = models.PositiveIntegerField()
    kind = models.CharField(max_length=30)
    target = models.CharField(max_length=12)
    rank = models.PositiveIntegerField()
    parameters = models.PositiveBigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "layer"], name="one_choice_per_layer")]
        ordering: ClassVar = ["run", "layer"]


class SampleRecommendation(models.Model):
    """What the run recommends to one user of the test split. Ids and titles are hostile text."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="samples")
    position = models.PositiveIntegerField()
    user_id_text = models.CharField(max_length=500, help_text="the user's id in the data set")
    history = models.JSONField(help_text="list of {id, title}, oldest first")
    target = models.JSONField(help_text="{id, title}")
    rank = models.FloatField(help_text="0-based mid-rank of the target")
    recommended = models.JSONField(help_text="list of {id, title, score}, best first")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "position"], name="sample_once")]
        ordering: ClassVar = ["run", "position"]
