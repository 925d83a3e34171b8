"""A project in which everything is there once, with hostile names wherever people can give them, and each page's address."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile
from django.urls import URLPattern, URLResolver, get_resolver

from tests.webapp.curation.rows import copy_items, item_pk
from tests.webapp.datasets.profiles import made_profile
from tests.webapp.people import HOSTILE, People, finish, finish_group_run, make_group, make_run, make_version, report
from tests.webapp.searches.planting import finish_search, make_search, plant
from webapp.accounts.invitations import invite
from webapp.accounts.models import Role
from webapp.accounts.projects import describe_project
from webapp.accounts.tokens import issue_token
from webapp.curation.drafts import NewEdit, put_edits
from webapp.curation.models import EditKind
from webapp.datasets.models import Dataset, Upload, Version
from webapp.datasets.uploads import Announced, begin_upload, store_whole
from webapp.experiments.models import Run, RunGroup
from webapp.searches.models import Search

NO_PAGES = ("api:", "admin:", "switch-project", "logout", "healthz", "uploads", "upload-", "download-file", "rejected-rows")
POSTED = {"delete-version", "discard-version", "version-profile", "review", "card", "upload-cancel"}
"""Beginnings of names of addresses that are no pages of ours; and addresses to which forms are only sent."""

_STEPS = {"upload-version", "upload-columns", "upload-start"}


@dataclass
class Whole:
    """What was planted, and where one sees it: a query string goes behind the address, names with ``#`` are further states."""

    people: People
    version: Version
    run: Run
    group: RunGroup
    search: Search
    upload: Upload
    addresses: dict[str, str]


def plant_all(people: People, title: str = HOSTILE) -> Whole:
    """Everything that a project can hold; ``title`` stands wherever people can give names and texts."""
    describe_project(people.project, people.alice, f"Shop {title}"[:100], title)
    people.project.refresh_from_db()
    earlier = make_version(people, f"Beauty {title}"[:100], hash="11" * 32)
    version = make_version(people, earlier.dataset.name, profile=made_profile(title), leakage=_leaks(title), parent=earlier)
    Dataset.objects.filter(pk=version.dataset_id).update(source=title, purpose=title, known_faults=title)
    copy_items(version, title)
    put_edits(version, people.alice, [NewEdit(EditKind.CHANGE, "a", {"title": title})])
    run = _finished(version, title)
    failed = make_run(version, "failed", error=f"The file {title} is damaged.", hint="Send it again.", reference="1a2b3c4d")
    report(failed, 3, title)
    running = make_run(
        version, "running", attempt=1, worker="gpu-1:42", progress={"fraction": 0.4, "phase": "training", "epoch": 2}
    )
    report(running, 2, title)
    group = make_group(version, title=title)
    for label in ("base", "causal"):
        finish_group_run(group, label, 0, [0.0, 3.0, 12.0, 1.0])
    search = make_search(version)
    plant(search, layers=4, trials=12, running=1)
    ended = make_search(version)
    plant(ended, layers=4, trials=9)
    finish_search(ended)
    upload = _upload(people, title)
    invite(people.project, people.alice, Role.VIEWER, 7, title)
    _, secret = invite(people.project, people.alice, Role.VIEWER, 7)
    issue_token(people.alice, title, 30)
    of_version = f"/datasets/{version.dataset_id}/versions/{version.number}"
    addresses = {
        "home": "/",
        "login": "/login",
        "profile": "/profile",
        "projects": "/projects",
        "project": f"/projects/{people.project.pk}",
        "join": f"/join/{secret}",
        "find": "/search?q=beauty",
        "datasets": "/datasets",
        "upload": "/datasets/new",
        "dataset": f"/datasets/{version.dataset_id}",
        "upload-version": f"/datasets/{version.dataset_id}/upload",
        "upload-columns": f"/datasets/uploads/{upload.key}/columns",
        "upload-start": f"/datasets/uploads/{upload.key}/start",
        "version": of_version,
        "leakage": f"{of_version}/leakage",
        "compare-versions": f"{of_version}/compare?with={earlier.number}",
        "download": f"{of_version}/download/csv",
        "filter-version": f"{of_version}/filter",
        "version-report": f"{of_version}/report",
        "review-queue": "/datasets/review",
        "card": f"/datasets/{version.dataset_id}/card",
        "curate": f"{of_version}/curate",
        "curate-start": f"{of_version}/curate/start",
        "curate-item": f"{of_version}/curate/items/{item_pk(version, 'd')}",
        "curate-duplicates": f"{of_version}/curate/duplicates",
        "curate-list": f"{of_version}/curate/list",
        "curate-draft": f"{of_version}/curate/draft",
        "audit": "/audit",
        "runs": "/runs",
        "new-run": f"/runs/new?version={version.pk}&preset=darec-nano",
        "run": f"/runs/{run.pk}",
        "run#failed": f"/runs/{failed.pk}",
        "run#running": f"/runs/{running.pk}",
        "ablation": f"/runs/{run.pk}/ablation",
        "groups": "/groups",
        "group": f"/groups/{group.pk}",
        "searches": "/searches",
        "new-search": f"/searches/new?version={version.pk}",
        "search": f"/searches/{search.pk}",
        "search#ended": f"/searches/{ended.pk}",
    }
    return Whole(people, version, run, group, search, upload, addresses)


def page_names() -> set[str]:
    """The names of all addresses that answer people's GET, by the table of addresses itself."""
    every = set(_names(get_resolver().url_patterns, ""))
    return {name for name in every if not name.startswith(NO_PAGES) or name in _STEPS} - POSTED


def _names(patterns: list[Any], prefix: str) -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            found += _names(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern) and pattern.name:
            found.append(f"{prefix}{pattern.name}")
    return found


def _finished(version: Version, title: str) -> Run:
    run = make_run(version, preset="darec-nano", acknowledged=_leaks(title)["findings"], folder_key="runs/planted")
    finish(run, title=title)
    run.warnings = [f"An item is called {title}."]
    run.save()
    report(run, 8, title)
    return run


def _leaks(title: str) -> dict[str, Any]:
    words = {"check": "counts-in-column", "severity": "serious", "title": f"views knows {title}", "text": "It means this."}
    found = {**words, "advice": "Do that.", "count": 7, "of": 9, "column": title, "examples": [title]}
    return {"split": "leave-one-out", "users": 1234, "findings": [found], "clean": ["All is well."], "untold": ["Nothing."]}


def _upload(people: People, title: str) -> Upload:
    file = io.StringIO()
    rows = [[f"u{row % 3}", f"i{row % 4}", f"2020-01-0{row % 9 + 1}", title] for row in range(30)]
    csv.writer(file, lineterminator="\n").writerows([["customer", "sku", "bought", title], *rows])
    data = file.getvalue().encode()
    upload = begin_upload(people.project, people.alice, [Announced("interactions", f"{title}.csv", len(data))], None, title)
    for file in upload.files.all():
        store_whole(file, ContentFile(data))
    return upload
