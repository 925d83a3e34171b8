"""Pages of projects: all of mine, and one with its members and invitations."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from engine.errors import UserError
from webapp.accounts.access import enter_project, get_project_for_user, require_role, role_of
from webapp.accounts.invitations import invite, open_invitations, revoke
from webapp.accounts.models import Membership, Project, Role
from webapp.accounts.projects import change_role, create_project, describe_project, remove_member
from webapp.datasets.models import Dataset
from webapp.display import count, moment
from webapp.experiments.models import Run
from webapp.http import PageRequest, page
from webapp.quotas.display import quota_lines

ROLES = (
    (Role.VIEWER, "sees everything in the project"),
    (Role.RESEARCHER, "also uploads data, launches and cancels"),
    (Role.CURATOR, "also edits and reviews data, reads the audit trail"),
    (Role.ADMIN, "also invites people and changes roles"),
)
_DAYS = (("1", "a day"), ("7", "7 days"), ("30", "30 days"))


class ProjectForm(forms.Form):
    """A project's name and what it is for."""

    name = forms.CharField(max_length=100)
    description = forms.CharField(max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class InvitationForm(forms.Form):
    """A link to invite with."""

    role = forms.ChoiceField(choices=Role.choices, initial=Role.VIEWER)
    days = forms.TypedChoiceField(label="Good for", coerce=int, choices=_DAYS, initial="7")
    single_use = forms.BooleanField(label="For one person only", required=False, initial=True)
    note = forms.CharField(max_length=100, required=False, help_text="For whom it is; only admins see it")


@page
@require_http_methods(["GET", "POST"])
def project_list(request: PageRequest) -> HttpResponse:
    """All projects of the user, with who shares them; POST makes one."""
    form = ProjectForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            project = create_project(request.user, form.cleaned_data["name"], form.cleaned_data["description"])
        except UserError as error:
            form.add_error("name", str(error))
        else:
            enter_project(request, project)
            messages.success(request, f"{project} is there. Invite people, or upload a first dataset.")
            return redirect("project", pk=project.pk)
    mine = request.user.memberships.select_related("project", "project__personal_of")
    mine = mine.annotate(people=Count("project__memberships"), datasets=_number(Dataset), runs=_number(Run))
    rows = [_line(membership) for membership in mine.order_by("project__name", "pk")]
    context = {"rows": rows, "form": form, "section": "projects"}
    return render(request, "accounts/projects.html", context, status=422 if form.errors else 200)


@page
@require_http_methods(["GET", "POST"])
def project_page(request: PageRequest, pk: int) -> HttpResponse:
    """One project: its members, their roles, and, for admins, invitations. POST changes it."""
    project = get_project_for_user(request.user, pk)
    enter_project(request, project)
    shown, forms_of = None, {"about": ProjectForm(initial=_about(project)), "invitation": InvitationForm()}
    if request.method == "POST":
        try:
            shown = _act(request, project, forms_of)
        except UserError as error:
            messages.warning(request, str(error))
            return redirect("project", pk=project.pk)
        wrong = any(form.errors for form in forms_of.values())
        if not shown and not wrong:
            # Whoever has just left sees it no more.
            return redirect("project", pk=project.pk) if role_of(request.user, project) else redirect("projects")
    context = _context(request, project, shown, forms_of)
    status = 422 if any(form.errors for form in forms_of.values()) else 200
    response = render(request, "accounts/project.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _act(request: PageRequest, project: Project, forms_of: dict[str, forms.Form]) -> str | None:
    """Do what was posted; returns the link of a new invitation, for this answer alone."""
    action = request.POST.get("action", "")
    if action == "leave":
        remove_member(_member(project, user=request.user), request.user)
        messages.success(request, f"You have left {project}.")
        return None
    require_role(request.user, project, Role.ADMIN)
    if action == "describe":
        forms_of["about"] = form = ProjectForm(request.POST)
        if form.is_valid():
            describe_project(project, request.user, **form.cleaned_data)
            messages.success(request, "Saved.")
    elif action == "invite":
        forms_of["invitation"] = invitation = InvitationForm(request.POST)
        if invitation.is_valid():
            given = invitation.cleaned_data
            _, secret = invite(
                project, request.user, Role(given["role"]), given["days"], given["note"], single_use=given["single_use"]
            )
            return request.build_absolute_uri(f"/join/{secret}")
    elif action == "revoke":
        found = project.invitations.filter(pk=_id(request, "invitation")).first()
        if found is None:
            raise Http404("There is no such invitation.")
        revoke(found, request.user)
        messages.success(request, "The link is revoked: nobody can join by it from now on.")
    elif action == "role":
        membership, role = _member(project, pk=_id(request, "member")), str(request.POST.get("role", ""))
        if role not in Role.values:
            raise UserError(f"There is no role {role[:40]!r}.", "Choose one of the list.")
        change_role(membership, request.user, Role(role))
        messages.success(request, f"{membership.user} is {role} now.")
    elif action == "remove":
        membership = _member(project, pk=_id(request, "member"))
        remove_member(membership, request.user)
        messages.success(request, f"{membership.user} is no longer a member.")
    else:
        raise UserError(f"There is no action {action[:40]!r}.", "Use the buttons of the page.")
    return None


def _context(request: PageRequest, project: Project, shown: str | None, forms_of: dict[str, forms.Form]) -> dict[str, Any]:
    members = project.memberships.select_related("user").order_by("user__username")
    mine = next(member for member in members if member.user_id == request.user.pk)
    admin = mine.role == Role.ADMIN
    return {
        "project": project,
        "personal": project.personal_of_id is not None,
        "members": [_member_line(member, request, project) for member in members],
        "admin": admin,
        "may_leave": project.personal_of_id != request.user.pk,
        "roles": ROLES,
        "shown": shown,
        "about": forms_of["about"],
        "invitation_form": forms_of["invitation"],
        "invitations": [_invitation_line(row) for row in open_invitations(project)] if admin else [],
        "quotas": quota_lines(project),
        "section": "projects",
    }


def _member_line(member: Membership, request: PageRequest, project: Project) -> dict[str, Any]:
    return {
        "pk": member.pk,
        "name": member.user.username,
        "role": member.role,
        "you": member.user_id == request.user.pk,
        "owner": member.user_id == project.personal_of_id,
    }


def _invitation_line(invitation: Any) -> dict[str, Any]:
    return {
        "pk": invitation.pk,
        "role": invitation.role,
        "note": invitation.note,
        "start": f"/join/{invitation.lookup}_…",
        "by": invitation.created_by.username if invitation.created_by else "",
        "expires": moment(invitation.expires_at),
        "uses": "for one person" if invitation.single_use else f"{count(invitation.uses)} joined",
    }


def _line(membership: Any) -> dict[str, Any]:
    project = membership.project
    return {
        "pk": project.pk,
        "name": project.name,
        "description": project.description,
        "role": membership.role,
        "personal": project.personal_of_id == membership.user_id,
        "shared": "only you" if membership.people == 1 else f"{count(membership.people)} people",
        "alone": membership.people == 1,
        "datasets": count(membership.datasets),
        "runs": count(membership.runs),
    }


def _number(model: type[Dataset] | type[Run]) -> Coalesce:
    rows: QuerySet[Any] = model.objects.filter(project=OuterRef("project")).order_by()
    return Coalesce(Subquery(rows.values("project").annotate(number=Count("pk")).values("number")), 0)


def _about(project: Project) -> dict[str, str]:
    return {"name": project.name, "description": project.description}


def _member(project: Project, **which: Any) -> Membership:
    found = project.memberships.select_related("user", "project").filter(**which).first()
    if found is None:
        raise Http404("There is no such member.")
    return found


def _id(request: PageRequest, name: str) -> int:
    text = str(request.POST.get(name, ""))
    return int(text) if text.isdecimal() and len(text) < 19 else 0
