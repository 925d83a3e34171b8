"""A project in which everything is there once, with hostile names wherever people can give them, and each page's address."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from tests.webapp.comparing.planting import plant_curves, plant_runs
from tests.webapp.curation.rows import copy_items, item_pk
from tests.webapp.datasets.profiles import made_profile
from tests.webapp.fleet.machines import give_job, make_helpers, make_node
from tests.webapp.people import HOSTILE, PROTOCOL, People, finish, finish_group_run, make_group, make_run, make_version, report
from tests.webapp.searches.planting import finish_search, make_search, plant
from webapp.accounts.invitations import invite
from webapp.accounts.models import Role
from webapp.accounts.projects import describe_project
from webapp.accounts.tokens import issue_token
from webapp.curation.drafts import NewEdit, put_edits
from webapp.curation.models import EditKind
from webapp.datasets.models import Dataset, Question, QuestionKind, Upload, Version
from webapp.datasets.uploads import Announced, begin_upload, store_whole
from webapp.delivering.models import ListsState, UserLists
from webapp.delivering.promoting import promote_run
from webapp.delivering.refreshing import start_refresh
from webapp.experiments.models import Run, RunGroup, RunStar
from webapp.notices.models import Notice
from webapp.searches.models import Search
from webapp.serving.models import Ask, AskKind

NO_PAGES = (
    "api:",
    "admin:",
    "switch-project",
    "logout",
    "healthz",
    "readyz",
    "metrics",
    "uploads",
    "upload-",
    "download-file",
    "rejected-rows",
    "run-lists-file",
)
POSTED = {
    *("delete-version", "discard-version", "version-profile", "review", "card", "upload-cancel"),
    *("change-runs", "check-run", "preview-sequence", "resume-run", "run-columns", "run-marks", "run-tags", "notice-preferences"),
    *("refit-run", "promote-run", "model-return", "model-refresh", "run-lists-cancel"),
}
"""Beginnings of names of addresses that are no pages of ours; and addresses to which forms are only sent."""

FILES = {"compare-export", "run-log-file", "run-file", "run-tensorboard"}
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
    others: list[Run]
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
    others = _marked(run, people, title)
    sequence, ask, user_ask = _asked(run, people, title)
    successor = _delivered(run, people, title)
    _machines(running, people, title)
    upload = _upload(people, title)
    invite(people.project, people.alice, Role.VIEWER, 7, title)
    _, secret = invite(people.project, people.alice, Role.VIEWER, 7)
    issue_token(people.alice, title, 30)
    compared = f"runs={run.pk},{others[0].pk},{others[1].pk}"
    of_version = f"/datasets/{version.dataset_id}/versions/{version.number}"
    addresses = {
        "home": "/",
        "login": "/login",
        "profile": "/profile",
        "password": "/profile/password",
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
        "run-files": f"/runs/{run.pk}/files",
        "run-log": f"/runs/{run.pk}/log",
        "run-notes": f"/runs/{run.pk}/notes",
        "extend-run": f"/runs/{others[0].pk}/extend",
        "run-user": f"/runs/{run.pk}/user?ask={user_ask}",
        "try": f"/runs/{run.pk}/try?item=i1&q=two&ask={ask}",
        "sequence": f"/runs/new/sequence/{sequence}",
        "compare": f"/compare?{compared}",
        "compare-curves": f"/compare/curves?{compared}",
        "compare-samples": f"/compare/samples?{compared}",
        "compare-settings": f"/compare/settings?{compared}",
        "compare-significance": f"/compare/significance?{compared}",
        "leaderboard": f"/leaderboard?version={version.pk}",
        "workers": "/workers",
        "notices": "/notices",
        "ablation": f"/runs/{run.pk}/ablation",
        "groups": "/groups",
        "group": f"/groups/{group.pk}",
        "searches": "/searches",
        "new-search": f"/searches/new?version={version.pk}",
        "search": f"/searches/{search.pk}",
        "search#ended": f"/searches/{ended.pk}",
    }
    addresses |= {
        "run-lists": f"/runs/{run.pk}/everyone",
        "dataset-model": f"/datasets/{version.dataset_id}/model",
        "dataset-model#successor": f"/datasets/{successor.version.dataset_id}/model",
    }
    return Whole(people, version, run, group, search, upload, others, addresses)


def page_names() -> set[str]:
    """The names of all addresses that answer people's GET, by the table of addresses itself."""
    every = set(_names(get_resolver().url_patterns, ""))
    return {name for name in every if not name.startswith(NO_PAGES) or name in _STEPS} - POSTED - FILES


def file_addresses(whole: "Whole") -> dict[str, str]:
    """What is downloaded, and what scripts read: no HTML, but with people's names in it."""
    runs = f"runs={whole.run.pk},{whole.others[0].pk}"
    of_compare = {f"compare-export#{form}": f"/compare/export/{form}?{runs}" for form in ("csv", "json", "tex")}
    of_run = {"run-log-file": f"/runs/{whole.run.pk}/log.txt", "run-tensorboard": f"/runs/{whole.run.pk}/tensorboard"}
    return {**of_compare, **of_run}


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


def _marked(run: Run, people: People, title: str) -> list[Run]:
    """Notes, tags and a star; further runs to compare with, of which one was measured in another way."""
    Run.objects.filter(pk=run.pk).update(notes=f"`{title}`", tags=[title[:40]])
    RunStar.objects.create(run=run, user=people.alice)
    others = plant_runs(run.version, 2, protocol={**PROTOCOL, "split": title})
    plant_curves(others, 5)
    others += plant_runs(run.version, 1)
    return others


def _asked(run: Run, people: People, title: str) -> tuple[int, int, int]:
    """Answers of workers: what a run would see, what a trained run recommends after items, and to a user."""
    seen = {"user": title, "history": 1, "items": [{"id": "a", "title": title, "cut": 1}], "hidden": 0}
    seen |= {"target": {"id": "c", "title": title, "cut": 0}, "tokens": [{"text": title, "kind": "text", "item": 0}]}
    mask = {"title": "All layers", "sentence": "It sees itself.", "labels": [title], "items": [0], "rows": ["1"], "hidden": 0}
    answer = {**seen, "masks": [mask], "sentences": [title]}
    asked = {"asked_by": people.alice, "answered_at": timezone.now(), "state": "answered"}
    sequence = Question.objects.create(
        version=run.version, kind=QuestionKind.SEQUENCE, settings={"spec": run.spec, "user": 0}, answer=answer, **asked
    )
    line = {"id": "i1", "title": title}
    lists = {"history": [line], "recommended": [{**line, "score": 1.25, "seen": True}], "seen": "keep", "catalogue": 240}
    known = {**lists, "opened": 0, "seconds": 0.01}
    recommend = Ask.objects.create(
        run=run,
        kind=AskKind.RECOMMEND,
        question={"items": ["i1"], "k": 10, "query": "two"},
        answer={**known, "found": [line]},
        **asked,
    )
    of_user = {"user": title, "target": line, "rank": 3.0}
    user = Ask.objects.create(
        run=run,
        kind=AskKind.USER,
        question={"user": title, "k": 10},
        answer={**known, **of_user},
        **asked,
    )
    return sequence.pk, recommend.pk, user.pk


def _delivered(run: Run, people: People, title: str) -> Run:
    """Lists for everybody, a current model with a history, and on another dataset one with a trained successor."""
    for state in (ListsState.READY, ListsState.MAKING, ListsState.FAILED, ListsState.CANCELLED):
        UserLists.objects.create(
            run=run, form="csv", k=10, state=state, error=title, asked_by=people.alice, progress={"done": 3, "total": 9}
        )
    promote_run(finish(make_run(run.version), title=title), people.alice, title)
    promote_run(run, people.alice, title)
    first = make_version(people, f"Shoes {title}"[:100])
    promote_run(finish(make_run(first), title=title), people.alice, title)
    make_version(people, first.dataset.name)
    return finish(start_refresh(first.dataset, people.alice).run, title=title)


def _machines(running: Run, people: People, title: str) -> None:
    """Workers, of which one has a run in hand, and notices."""
    make_helpers()
    give_job(make_node(), running)
    make_node("io-1", ("io",))
    for outcome in ("failed", "succeeded"):
        Notice.objects.create(
            user=people.alice,
            subject="run",
            outcome=outcome,
            title=title[:300],
            detail=title,
            path="/runs",
            project=people.project,
        )


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
