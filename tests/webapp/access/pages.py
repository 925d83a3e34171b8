"""What people can ask of each address: the pages of ``tests.webapp.whole``, downloads, and everything that forms send."""

import json
import re
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.utils import timezone

from tests.webapp.access.cast import Cast
from tests.webapp.access.walking import Request
from tests.webapp.curation.rows import item_pk
from tests.webapp.people import finish, form_of, make_run, make_version
from tests.webapp.searches.test_creating import fields as search_fields
from tests.webapp.whole import file_addresses
from webapp.accounts.invitations import invite
from webapp.accounts.models import Role
from webapp.accounts.tokens import issue_token
from webapp.datasets.derived import FILE
from webapp.datasets.filter_form import FilterForm
from webapp.datasets.models import Derived, DerivedKind, DerivedState, Review
from webapp.datasets.report import REJECTED_NAME
from webapp.datasets.uploads import Announced, begin_upload
from webapp.delivering.models import ListsState
from webapp.notices.models import Notice

_ITS_OWN = {"switch-project", "project"}


def readable(route: str) -> str:
    """An address of the table of addresses, for people: ``/compare/export/<form>``."""
    return "/" + re.sub(r"\(\?P<(\w+)>[^()]*(?:\([^()]*\))*[^()]*\)", r"<\1>", route).replace("^", "").replace("$", "").replace(
        "\\Z", ""
    )


def every_route() -> list[str]:
    """All of them, in order."""
    return list(dict.fromkeys(readable(route) for route in _routes(get_resolver().url_patterns, "")))


def request(method: str, path: str, label: str = "", data: Any = None, kind: str = "") -> Request:
    """A request to ``path``; where that does not say itself which project is meant, the current one is that of the cast."""
    match = resolve(path.partition("?")[0])
    names_an_object = bool(match.kwargs) or "?" in path or (isinstance(data, dict) and "version" in data)
    return Request(method, readable(match.route), path, label, data, kind, here=not names_an_object)


def page_requests(cast: Cast) -> list[Request]:
    """Everything but the API and the pages of Django's admin."""
    return [
        *_looking(cast),
        *_datasets(cast),
        *_uploads(cast),
        *_curation(cast),
        *_runs(cast),
        *_searches(cast),
        *_accounts(cast),
    ]


def _looking(cast: Cast) -> list[Request]:
    whole = cast.whole
    of_version = _of_version(cast)
    addresses = {name: path for name, path in whole.addresses.items() if not name.startswith(("run-user", "try", "sequence"))}
    addresses |= {f"{name}": path for name, path in file_addresses(whole).items()}
    addresses |= {
        "readyz": "/readyz",
        "healthz": "/healthz",
        "metrics": "/metrics",
        "run-tags": "/runs/tags",
        "notice-preferences": "/profile/notices",
        "run-file": f"/runs/{whole.run.pk}/files/result.json",
        "run-user": f"/runs/{whole.run.pk}/user",
        "try": f"/runs/{whole.run.pk}/try",
        "run-lists-file": f"/runs/{whole.run.pk}/everyone/{_ready_lists(cast)}",
        "download-file": f"{of_version}/download/csv/file",
        "rejected-rows": f"{of_version}/left-out.csv",
        "upload-state": f"/datasets/uploads/{whole.upload.key}",
        "sequence": whole.addresses["sequence"],
        "new-run#here": "/runs/new",
        "new-search#here": "/searches/new",
        "leaderboard#here": "/leaderboard",
    }
    _plant_files(cast)
    requests = [request("GET", path, name.partition("#")[2]) for name, path in addresses.items()]
    slashed = [
        route for route in every_route() if route.endswith("/") and len(route) > 1 and not route.startswith(("/api", "/admin"))
    ]
    return requests + [request("GET", route) for route in slashed]


def _datasets(cast: Cast) -> list[Request]:
    whole, of_version = cast.whole, _of_version(cast)
    doomed = make_version(whole.people, whole.version.dataset.name)
    failed = make_version(whole.people, whole.version.dataset.name, state="failed")
    dataset = f"/datasets/{whole.version.dataset_id}"
    rows = {"interactions": b"user_id,item_id,timestamp\nu,i,1\n", "core": "0"}
    filters = {member.description.name: member.value for member in FilterForm().fields}
    return [
        request("POST", whole.addresses["leakage"]),
        request("POST", whole.addresses["download"]),
        request("POST", whole.addresses["compare-versions"]),
        request("POST", f"{of_version}/profile"),
        request("POST", f"{of_version}/filter", "preview", {"action": "preview", **filters}),
        request("POST", f"{of_version}/filter", "make", {"action": "make", **filters, "core": "2"}),
        request("POST", f"{dataset}/versions/{doomed.number}/delete"),
        request("POST", f"{dataset}/versions/{failed.number}/discard"),
        request("POST", "/datasets/new", data={"name": "New", **rows}),
        request("POST", f"{dataset}/upload", data=rows),
        request("POST", f"{dataset}/model/return"),
        request("POST", f"{dataset}/model/refresh"),
    ]


def _uploads(cast: Cast) -> list[Request]:
    whole = cast.whole
    announced = [Announced("interactions", "a.csv", 4)]
    begun, gone, away = (begin_upload(cast.project, cast.users["creator"], announced, None, "Begun") for _ in range(3))
    files = [{"role": "interactions", "name": "a.csv", "size": 4}]
    mine = f"/datasets/uploads/{whole.upload.key}"
    into = {"dataset": whole.version.dataset_id, "files": files}
    return [
        request("POST", "/datasets/uploads", "a new dataset", json.dumps({"name": "N", "files": files}), "application/json"),
        request("POST", "/datasets/uploads", "of a dataset", json.dumps(into), "application/json"),
        request("DELETE", f"/datasets/uploads/{gone.key}"),
        request("PUT", f"/datasets/uploads/{begun.key}/interactions/0", data=b"abcd", kind="application/octet-stream"),
        request("POST", f"{mine}/columns"),
        request("POST", f"{mine}/start"),
        request("POST", f"/datasets/uploads/{away.key}/cancel"),
    ]


def _curation(cast: Cast) -> list[Request]:
    whole, of_version = cast.whole, _of_version(cast)
    submitted = make_version(whole.people, whole.version.dataset.name, review=Review.SUBMITTED)
    second = f"/datasets/{whole.version.dataset_id}/versions/{submitted.number}"
    item = f"{of_version}/curate/items/{item_pk(whole.version, 'd')}"
    edits = "item_id,title\na,Other\n"
    return [
        request("POST", f"{of_version}/review", "submit", {"review": "submitted"}),
        request("POST", f"{second}/review", "withdraw", {"review": Review.NONE.value}),
        request("POST", f"{second}/review", "approve", {"review": "approved"}),
        request("POST", f"{second}/review", "reject", {"review": "rejected", "reason": "No."}),
        request("POST", f"{of_version}/review", "archive", {"review": "archived"}),
        request("POST", f"/datasets/{whole.version.dataset_id}/card", data={"purpose": "Other"}),
        request("POST", f"{of_version}/curate/start"),
        request("POST", item, "save", {"action": "save", "title": "Other"}),
        request("POST", item, "merge", {"action": "merge", "into": "a"}),
        request("POST", item, "exclude", {"action": "exclude"}),
        request("POST", item, "undo", {"action": "undo"}),
        request("POST", f"{of_version}/curate/duplicates"),
        request("POST", f"{of_version}/curate/list", "try", {"action": "try", "text": edits}),
        request("POST", f"{of_version}/curate/list", "take", {"action": "take", "text": edits}),
        request("POST", f"{of_version}/curate/draft", "make", {"action": "make", "core": "0"}),
        request("POST", f"{of_version}/curate/draft", "users", {"action": "users", "users": "u1"}),
        request("POST", f"{of_version}/curate/draft", "remove", {"action": "remove", "edit": "1"}),
    ]


def _runs(cast: Cast) -> list[Request]:
    whole, run = cast.whole, cast.whole.run
    cancelled = make_run(whole.version, "cancelled", attempt=1)
    trained, queued = finish(make_run(whole.version, folder_key="runs/trained")), make_run(whole.version)
    several = [str(one.pk) for one in whole.others[:2]]
    form = {**form_of("popularity"), "version": str(whole.version.pk), "acknowledge_leakage": "1"}
    bulk = {"run": [str(trained.pk)], "tag": "good"}
    actions = ("tag", "untag", "star", "unstar", "archive", "unarchive", "delete")
    marks = ("tag", "untag", "star", "unstar", "archive", "unarchive")
    found = [request("POST", "/runs/change", name, {**bulk, "action": name}) for name in actions]
    found += [request("POST", f"/runs/{trained.pk}/marks", name, {"action": name, "tag": "good"}) for name in marks]
    return [
        *found,
        request("POST", "/runs/change", "delete, sure", {**bulk, "action": "delete", "sure": "1"}),
        request("POST", "/runs/change", "cancel", {"run": [str(queued.pk)], "action": "cancel"}),
        request("POST", "/runs/change", "compare", {"run": several, "action": "compare"}),
        request("POST", "/runs/columns", data={"column": ["method"], "keep": "1"}),
        request("POST", "/runs/new", data=form),
        request("POST", "/runs/new/check", data=form),
        request("POST", "/runs/new/sequence", data=form),
        request("POST", whole.addresses["sequence"]),
        request("POST", f"/runs/{queued.pk}", "cancel"),
        request("POST", f"/runs/{cancelled.pk}/resume"),
        request("POST", f"/runs/{trained.pk}/extend", data={"epochs": "300", "patience": "30"}),
        request("POST", f"/runs/{trained.pk}/notes", data={"notes": "Good."}),
        request("POST", f"/runs/{run.pk}/ablation", data={"name": "Parts", "seeds": "0", "variants": ["causal"]}),
        request("POST", f"/runs/{trained.pk}/try", data={"item": "i1"}),
        request("POST", f"/runs/{trained.pk}/user", data={"user": "u1"}),
        request("POST", f"/runs/{trained.pk}/refit"),
        request("POST", f"/runs/{trained.pk}/promote"),
        request("POST", f"/runs/{trained.pk}/everyone", data={"k": "5", "form": "csv"}),
        request("POST", f"/runs/{run.pk}/everyone/{_lists_under_way(cast)}/cancel"),
        request("POST", f"/groups/{whole.group.pk}", "cancel"),
    ]


def _searches(cast: Cast) -> list[Request]:
    whole = cast.whole
    search = f"/searches/{whole.search.pk}"
    acts = [
        request("POST", search, name, {"action": name, "more": "2"}) for name in ("pause", "resume", "cancel", "extend", "launch")
    ]
    new = {**search_fields(whole.version), "acknowledge_leakage": "1"}
    return [*acts, request("POST", "/searches/new", data=new)]


def _accounts(cast: Cast) -> list[Request]:
    project, whole = cast.project, cast.whole
    address = f"/projects/{project.pk}"
    invitation, _ = invite(project, cast.users["owner"], Role.VIEWER, 7)
    another = project.memberships.get(user=cast.users["curator"])
    token, _ = issue_token(cast.users["creator"], "theirs", 1)
    notice = Notice.objects.filter(user=cast.users["creator"]).earliest("pk")
    new_password = {"old_password": "", "new_password1": "only-here-and-now-7", "new_password2": "only-here-and-now-7"}
    account = {"username": "newcomer", "password1": "only-here-and-now-7", "password2": "only-here-and-now-7"}
    return [
        request("POST", "/login", "wrong password", data={"username": "viewer", "password": "wrong"}),
        request("POST", "/logout"),
        request("POST", "/profile", "make a token", {"name": "x", "scope": "read", "days": "30"}),
        request("POST", "/profile", "revoke the creator's token", {"revoke": str(token.pk)}),
        request("POST", "/profile/password", data=new_password),
        request("POST", "/profile/notices", data={"email": "", "webhook_url": ""}),
        request("POST", "/notices", "all", {}),
        request("POST", "/notices", "the creator's", {"read": str(notice.pk)}),
        request("POST", "/project", data={"project": str(project.pk)}),
        request("POST", "/projects", data={"name": "Another"}),
        request("POST", whole.addresses["join"], data=account),
        request("POST", address, "describe", {"action": "describe", "name": "New name"}),
        request("POST", address, "invite", {"action": "invite", "role": "viewer", "days": "7"}),
        request("POST", address, "revoke", {"action": "revoke", "invitation": str(invitation.pk)}),
        request("POST", address, "role", {"action": "role", "member": str(another.pk), "role": "viewer"}),
        request("POST", address, "remove", {"action": "remove", "member": str(another.pk)}),
        request("POST", address, "leave", {"action": "leave"}),
    ]


def _of_version(cast: Cast) -> str:
    version = cast.whole.version
    return f"/datasets/{version.dataset_id}/versions/{version.number}"


def _lists_under_way(cast: Cast) -> int:
    return int(cast.whole.run.user_lists.get(state=ListsState.MAKING).pk)


def _ready_lists(cast: Cast) -> int:
    lists = cast.whole.run.user_lists.get(state=ListsState.READY)
    lists.storage_key = "lists/one.csv"
    lists.save()
    return int(lists.pk)


def _plant_files(cast: Cast) -> None:
    version, run = cast.whole.version, cast.whole.run
    Derived.objects.create(
        version=version, kind=DerivedKind.CSV, state=DerivedState.READY, asked_at=timezone.now(), storage_key="derived/one"
    )
    type(version).objects.filter(pk=version.pk).update(storage_key="versions/one", report={"rejected": 1})
    for name in (f"versions/one/{REJECTED_NAME}", "lists/one.csv", f"derived/one/{FILE}", f"{run.folder_key}/result.json"):
        default_storage.save(name, ContentFile(b"{}"))


def _routes(patterns: list[Any], prefix: str) -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        whole = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            found += _routes(pattern.url_patterns, whole)
        elif isinstance(pattern, URLPattern):
            found.append(whole)
    return found
