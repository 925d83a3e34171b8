"""Django admin: projects, their members, and tokens (never their hashes)."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from webapp.accounts.models import ApiToken, Membership, Project
from webapp.accounts.tokens import revoke_token
from webapp.audit.trail import record


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    """Members of a project."""

    model = Membership
    extra = 1
    autocomplete_fields = ("user",)


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Projects and who is in them."""

    list_display = ("name", "slug", "created_at")
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}
    inlines = (MembershipInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Data, runs, their files and the audit trail hang on them."""
        return False

    @transaction.atomic
    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save the members, and say what changed in the audit trail."""
        before = {one.instance.pk: one.initial.get("role") for one in formset.forms}
        for one in formset.deleted_forms:
            if one.instance.pk is not None:
                _note(request, "member.removed", one.instance, one.initial.get("role"), None)
        super().save_formset(request, form, formset, change)
        for membership in formset.new_objects:
            _note(request, "member.joined", membership, None, membership.role)
        for membership, _ in formset.changed_objects:
            _note(request, "member.role", membership, before.get(membership.pk), membership.role)


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Roles."""

    list_display = ("user", "project", "role")
    list_filter = ("role", "project")
    search_fields = ("user__username", "project__name")
    autocomplete_fields = ("user", "project")

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        """Of a membership that is there the role alone changes."""
        return ("user", "project") if obj else ()

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """Save the role, and say so in the audit trail."""
        before = form.initial.get("role") if change else None
        super().save_model(request, obj, form, change)
        _note(request, "member.role" if change else "member.joined", obj, before, obj.role)

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        """End the membership, and say so in the audit trail."""
        _note(request, "member.removed", obj, obj.role, None)
        super().delete_model(request, obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        """Likewise, one by one."""
        for membership in queryset.select_related("user", "project"):
            self.delete_model(request, membership)


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Tokens: looked at and revoked, never made or read here."""

    list_display = ("name", "user", "lookup", "scope", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username", "lookup")
    fields = readonly_fields = ("user", "name", "lookup", "scope", "created_at", "expires_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tokens are made by their users, on the profile page."""
        return False

    @admin.action(description="Revoke the chosen tokens")
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """End their validity now."""
        for token in queryset:
            revoke_token(token)


def _note(request: HttpRequest, what: str, membership: Membership, before: str | None, after: str | None) -> None:
    user = cast(User, request.user)
    named = {"member": membership.user.username}
    values = [None if role is None else {**named, "role": str(role)} for role in (before, after)]
    record(user, membership.project, what, membership, *values)
