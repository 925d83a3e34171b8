"""The processes that do the work, as they report themselves, and what each has in hand.

They write for people to look at. Nothing is decided by these rows: whether a job is lost, its own heartbeat says.
"""

from typing import ClassVar

from django.db import models

from webapp.accounts.models import Project


class NodeKind(models.TextChoices):
    """What a process is there for."""

    WORKER = "worker", "worker"
    BEAT = "beat", "beat"
    REAPER = "reaper", "reaper"


class WorkerNode(models.Model):
    """A process of ours that runs, or ran within the last day and did not say goodbye."""

    id: int
    name = models.CharField(max_length=200, unique=True, help_text="host:pid of the process; runs name their worker like this")
    kind = models.CharField(max_length=8, choices=NodeKind.choices, default=NodeKind.WORKER)
    celery_name = models.CharField(max_length=200, blank=True, help_text="its name among Celery's nodes")
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    queues = models.JSONField(default=list, help_text="names of the queues it takes messages from")
    concurrency = models.PositiveIntegerField(default=1, help_text="how many things it does at the same time")
    software = models.CharField(max_length=40, blank=True, help_text="version of this software")
    devices = models.JSONField(
        default=dict, help_text="cpus; memory in bytes; gpus: list of {index, uuid, name, memory in bytes}"
    )
    sample = models.JSONField(
        default=dict,
        help_text="the last one: cpu in % of all cores; memory_used, memory_free, own_memory in bytes; own_cpu in % of one "
        "core; gpus: list of {index, utilisation in %, memory_used, memory}; jobs: by pid {cpu, memory, gpu_memory}",
    )
    stopping = models.BooleanField(default=False, help_text="it was told to stop, and waits for what it has in hand")
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(help_text="its last sign of life, and the time of the sample")

    class Meta:
        ordering: ClassVar = ["kind", "name"]

    def __str__(self) -> str:
        return self.celery_name or self.name


class JobKind(models.TextChoices):
    """What a worker can have in hand; the names of ``workers.crew.Order.kind``."""

    RUN = "run", "run"
    INGEST = "ingest", "reading of a version"
    DERIVE = "derive", "making of something from a version"
    QUESTION = "question", "question about a version"
    COMPARE = "compare", "comparison of a group"
    COMPARE_RUNS = "compare-runs", "comparison of runs"
    ASK = "ask", "question to a run"
    LISTS = "lists", "recommendations for everyone"
    SEARCH = "search", "choice of a search's next trials"


class Job(models.Model):
    """What a child process of a node works on right now."""

    node = models.ForeignKey(WorkerNode, on_delete=models.CASCADE, related_name="jobs")
    pid = models.PositiveIntegerField(help_text="the child, which leads a process group of its own")
    kind = models.CharField(max_length=12, help_text="workers.crew.Order.kind")
    row = models.PositiveBigIntegerField(help_text="primary key of what is worked on")
    attempt = models.PositiveIntegerField(default=0, help_text="the fencing number, of a run or a version")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="+")
    title = models.CharField(max_length=200, blank=True, help_text="for members of the project")
    path = models.CharField(max_length=200, blank=True, help_text="address of its page, without the host")
    started_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["node", "pid"], name="one_job_a_child")]
        indexes: ClassVar = [models.Index(fields=["kind", "row"], name="job_of_row")]
        ordering: ClassVar = ["started_at"]

    def __str__(self) -> str:
        return f"{self.kind} {self.row}"


class Echo(models.Model):
    """A question to any worker whether it is there; the row goes once the answer was read."""

    id: int
    asked_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True, blank=True, help_text="when a worker took the message")

    def __str__(self) -> str:
        return f"echo {self.pk}"

    @property
    def channel(self) -> str:
        """Where Postgres tells that it was answered."""
        return f"echo_{self.pk}"
