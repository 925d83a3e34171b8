"""Django admin: datasets can be renamed and described; versions are only looked at."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from engine.errors import UserError
from webapp.admin_base import ReadOnlyAdmin
from webapp.audit.trail import differences, record
from webapp.curation.review import review_version
from webapp.datasets.models import Dataset, Question, Review, Version


@admin.register(Dataset)
class DatasetAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Names and descriptions."""

    list_display = ("name", "project", "generated", "created_by", "created_at")
    list_filter = ("project", "generated")
    list_select_related = ("project", "created_by")
    search_fields = ("name",)
    readonly_fields = ("project", "created_by", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Datasets come from uploads."""
        return False

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Dataset, form: Any, change: bool) -> None:
        """Save what was changed, and say so in the audit trail."""
        before = Dataset.objects.values(*form.changed_data).get(pk=obj.pk) if form.changed_data else {}
        super().save_model(request, obj, form, change)
        old, new = differences(before, {name: form.cleaned_data[name] for name in form.changed_data})
        if new:
            record(_who(request), obj.project, "dataset.changed", obj, old, new)

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Dataset) -> None:
        """Delete an empty dataset (these pages delete no version), and say so in the audit trail."""
        record(_who(request), obj.project, "dataset.deleted", obj, {"name": obj.name})
        super().delete_model(request, obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Dataset]) -> None:
        """Likewise, one by one."""
        for dataset in queryset.select_related("project"):
            self.delete_model(request, dataset)


@admin.register(Question)
class QuestionAdmin(ReadOnlyAdmin):
    """What was asked about versions lately."""

    list_display = ("kind", "version", "state", "asked_by", "asked_at", "answered_at")
    list_filter = ("kind", "state")
    list_select_related = ("version__dataset", "asked_by")


@admin.register(Version)
class VersionAdmin(ReadOnlyAdmin):
    """What was uploaded, and what became of it."""

    list_display = ("__str__", "state", "review", "users", "items", "interactions", "created_at")
    list_filter = ("state", "review", "dataset__project")
    list_select_related = ("dataset",)
    search_fields = ("dataset__name", "hash")
    actions = ("approve", "archive")

    @admin.action(description="Approve the chosen versions")
    def approve(self, request: HttpRequest, queryset: QuerySet[Version]) -> None:
        """Approve those that wait for it."""
        self._review(request, queryset, Review.APPROVED)

    @admin.action(description="Archive the chosen versions")
    def archive(self, request: HttpRequest, queryset: QuerySet[Version]) -> None:
        """Hide them from forms that launch runs."""
        self._review(request, queryset, Review.ARCHIVED)

    def _review(self, request: HttpRequest, queryset: QuerySet[Version], review: Review) -> None:
        for version in queryset.select_related("dataset__project"):
            try:
                review_version(version, _who(request), review)
            except UserError as error:
                self.message_user(request, str(error), messages.WARNING)


def _who(request: HttpRequest) -> User:
    """The signed-in member of the staff; admin pages let nobody else in."""
    return cast(User, request.user)
