"""Projects (the unit of ownership), roles in them, and tokens for scripts."""

from typing import ClassVar

from django.contrib.auth.models import User
from django.db import models


class Role(models.TextChoices):
    """What a member may do; each role may do what those before it may."""

    VIEWER = "viewer", "viewer"
    RESEARCHER = "researcher", "researcher"
    CURATOR = "curator", "curator"
    ADMIN = "admin", "admin"

    @property
    def level(self) -> int:
        """0 for a viewer, rising."""
        return list(Role).index(self)


class Project(models.Model):
    """Owns datasets and runs."""

    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60, unique=True)
    description = models.TextField(blank=True)
    personal_of = models.OneToOneField(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="personal_project", help_text="whose own it is"
    )
    members: "models.ManyToManyField[User, Membership]" = models.ManyToManyField(
        User, through="Membership", related_name="projects"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's role in a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "user"], name="one_role_per_project")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.project}"


class Invitation(models.Model):
    """A link ``/join/<lookup>_<secret>`` that makes whoever follows it a member; of the secret only a keyed hash is kept."""

    id: int
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.VIEWER)
    note = models.CharField(max_length=100, blank=True, help_text="for whom it is")
    lookup = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    single_use = models.BooleanField(default=False)
    uses = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"invitation to {self.project} as {self.role}"


class Scope(models.TextChoices):
    """What a token may be used for; each scope includes those before it. The role of its user limits it besides."""

    READ = "read", "read"
    LAUNCH = "launch", "launch"
    CURATE = "curate", "curate"
    ADMIN = "admin", "admin"

    @property
    def level(self) -> int:
        """0 for read, rising."""
        return list(Scope).index(self)

    def covers(self, needed: "Scope") -> bool:
        """Whether a token of this scope may do what needs the scope ``needed``."""
        return self.level >= needed.level


class ApiToken(models.Model):
    """A bearer token ``darec_<lookup>_<secret>``; of the secret only a keyed hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    lookup = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    scope = models.CharField(max_length=12, choices=Scope.choices, default=Scope.LAUNCH)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} (darec_{self.lookup}_…)"


class FailedTry(models.Model):
    """How often somebody failed of late: to sign in, with tokens, with links (``webapp.accounts.throttle``)."""

    key = models.CharField(max_length=64, primary_key=True, help_text="keyed hash of what was tried, and by whom")
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(db_index=True)
    until = models.DateTimeField(null=True, blank=True, help_text="none may try before")

    def __str__(self) -> str:
        return f"{self.failures} failures"


class IdempotentRequest(models.Model):
    """The answer to a request that made something and bore an ``Idempotency-Key``: sent again, it gets the same answer.

    The row is written in the transaction of what was made, so there is never one without the other.
    """

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64, help_text="SHA-256 of method, address and body, in hexadecimal digits")
    status = models.PositiveSmallIntegerField(default=0, help_text="of the answer; 0 while it is made, which nobody else sees")
    body = models.TextField(blank=True, help_text="of the answer, JSON")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["token", "key"], name="one_answer_per_key")]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="idempotent_age")]

    def __str__(self) -> str:
        return f"{self.key}: {self.status}"
