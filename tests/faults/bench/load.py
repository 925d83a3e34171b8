"""The work that is going on while things are killed, and whether it came out as it does undisturbed. Needs Django set up."""

import io
from pathlib import Path
from typing import Any

import polars as pl
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from engine.data.generated import generate
from engine.spec import RunSpec
from tests.engine.methods.runs import small_spec
from tests.workers.searches.searching import small_plan
from webapp.accounts.actions import ensure_account
from webapp.accounts.models import Project
from webapp.datasets.actions import create_dataset, create_version
from webapp.datasets.models import Dataset, Version, VersionState
from webapp.delivering.lists import ask_for_lists
from webapp.delivering.models import ListFormat, ListsState, SeenRule, UserLists
from webapp.experiments.actions import launch_run
from webapp.experiments.models import ACTIVE_STATES, AttemptRecord, Ending, Run, RunState
from webapp.notices.models import Notice, Subject
from webapp.searches.launching import launch_search
from webapp.searches.models import OPEN_STATES, Search, SearchState
from webapp.serving.asking import ask_run, user_question
from webapp.serving.models import Ask, AskKind, AskState

STEPS = {"training.threads": 1, "training.device": "cpu", "training.patience": 1000, "training.batch_size": 8}
SPECS: dict[str, RunSpec] = {
    "sasrec": small_spec("sasrec", {**STEPS, "training.epochs": 12}),
    "darec": small_spec("darec", {**STEPS, "training.epochs": 6, "method.architecture": "lora/both/4"}),
}
"""Budgets in epochs, so that the same steps are made whatever the clock says."""
SEARCH = {"trials": 2, "final_seeds": 1, "run.training.minutes": 1000.0, "run.training.epochs": 2, "run.training.threads": 1}
LINES_TO_READ = 300_000
LONGEST_LIST = 40
RANKS = ("ranks_valid.parquet", "ranks_test.parquet")


class Load:
    """All work of the bench. What was made before the first kill is the yardstick of what is made afterwards."""

    def __init__(self, folder: Path) -> None:
        generate(folder / "raw", users=60, items=80, seed=1)
        self.files = [(folder / "raw" / name).read_bytes() for name in ("interactions.csv", "items.csv")]
        lines = (f"u{number % 9000},i{number % 700},{number}\n" for number in range(LINES_TO_READ))
        self.long_log = ("user_id,item_id,timestamp\n" + "".join(lines)).encode()
        self.user: User = ensure_account("rita", "rita-secret-1", "Lab", "researcher")
        self.project = Project.objects.get()
        self.dataset: Dataset = create_dataset(self.project, self.user, "books")
        self.version = self.upload(*self.files)
        self.read = self.upload(self.long_log)
        self.runs: dict[str, Run] = {}
        self.undisturbed: dict[str, dict[str, Any]] = {}
        self._launched = 0

    def upload(self, interactions: bytes, items: bytes | None = None) -> Version:
        """A queued version."""
        texts = None if items is None else ContentFile(items, "items.csv")
        return create_version(self.dataset, self.user, ContentFile(interactions, "interactions.csv"), texts, {"core": 0})

    def begin(self) -> None:
        """Launch the yardsticks; the version must be ready."""
        self.runs = {name: self.launch(name) for name in SPECS}

    def launch(self, name: str) -> Run:
        """A queued run."""
        return launch_run(Version.objects.get(pk=self.version.pk), self.user, SPECS[name], acknowledge_leakage=True)

    def search(self) -> Search:
        """A search that begins."""
        version = Version.objects.get(pk=self.version.pk)
        return launch_search(self.project, version, self.user, small_plan(**SEARCH), acknowledge_leakage=True)

    def ask(self) -> None:
        """A question to the first yardstick, and its lists for everybody; no two lists are equal, for they would be made once."""
        run = Run.objects.get(pk=self.runs["sasrec"].pk)
        ask_run(run, self.user, AskKind.USER, user_question(self.files[0].split(b"\n")[1].split(b",")[0].decode(), 10))
        length = LONGEST_LIST - UserLists.objects.count()
        ask_for_lists(run, self.user, ListFormat.PARQUET, str(max(length, 1)), SeenRule.REMOVE)

    def keep(self, moment: str) -> None:
        """See to it that there is work, and such as the next kill wants to meet."""
        if self.open_runs() < 3:
            self._launched += 1
            self.launch(list(SPECS)[self._launched % len(SPECS)])
        waiting = Version.objects.filter(state__in=[VersionState.QUEUED, VersionState.INGESTING])
        if moment == "ingest" and not waiting.exists():
            self.upload(self.long_log)
        if moment == "search" and not Search.objects.filter(state__in=OPEN_STATES).exists():
            self.search()

    def has_read(self) -> bool:
        """Whether the version to train on is ready."""
        self.version.refresh_from_db()
        assert self.version.state != VersionState.FAILED, self.version.error
        return self.version.state == VersionState.READY

    @staticmethod
    def open_runs() -> int:
        """Runs that are no trials, and have not ended."""
        return Run.objects.filter(state__in=ACTIVE_STATES, search_trial=None).count()

    @staticmethod
    def unfinished() -> list[str]:
        """Everything that has not ended, in words."""
        rows = [
            *Version.objects.filter(state__in=[VersionState.QUEUED, VersionState.INGESTING]),
            *Run.objects.filter(state__in=ACTIVE_STATES),
            *Search.objects.filter(state__in=OPEN_STATES),
            *UserLists.objects.filter(state__in=[ListsState.QUEUED, ListsState.MAKING]),
            *Ask.objects.filter(state=AskState.ASKED),
        ]
        return [f"{type(row).__name__} {row.pk} {row.state}" for row in rows]

    def remember(self) -> None:
        """Take what has ended for what comes out undisturbed."""
        for run in Run.objects.all():
            assert run.state == RunState.SUCCEEDED, (run, run.state, run.error)
            self.undisturbed[_wanted(run)] = outcome(run)

    def faults(self) -> dict[str, list[str]]:
        """What is wrong, by kind: lost, twice, different."""
        found: dict[str, list[str]] = {"lost": [], "twice": [], "different": []}
        for run in Run.objects.order_by("pk"):
            if run.state != RunState.SUCCEEDED:
                found["lost"].append(f"{run} is {run.state}: {run.error}")
                continue
            if outcome(run) != self.undisturbed.get(_wanted(run)):
                found["different"].append(f"{run}: {outcome(run)} instead of {self.undisturbed.get(_wanted(run))}")
            ends = AttemptRecord.objects.filter(run=run, ending=Ending.SUCCEEDED).count()
            told = Notice.objects.filter(subject=Subject.RUN, object_id=run.pk).count()
            if ends != 1 or told != (not hasattr(run, "search_trial")):
                found["twice"].append(f"{run}: succeeded {ends} times, told {told} times")
        self._add_faults_of_others(found)
        return found

    def _add_faults_of_others(self, found: dict[str, list[str]]) -> None:
        for version in Version.objects.order_by("pk"):
            first = self.version if version.pk == self.version.pk else self.read
            wanted = Version.objects.get(pk=first.pk).hash
            if version.state != VersionState.READY:
                found["lost"].append(f"{version} is {version.state}: {version.error}")
            elif version.hash != wanted:
                found["different"].append(f"{version}: {version.hash} instead of {wanted}")
        for search in Search.objects.order_by("pk"):
            if search.state != SearchState.FINISHED:
                found["lost"].append(f"{search} is {search.state}: {search.message}")
            if search.trials.count() != Search.objects.order_by("pk")[0].trials.count():
                found["twice"].append(f"{search} has {search.trials.count()} trials")
        answers = list(Ask.objects.order_by("pk"))
        for ask in answers:
            if ask.state != AskState.ANSWERED:
                found["lost"].append(f"question {ask.pk} is {ask.state}: {ask.error}")
            elif ask.answer["recommended"] != answers[0].answer["recommended"]:
                found["different"].append(f"question {ask.pk}")
        lists = list(UserLists.objects.order_by("pk"))
        for row in lists:
            if row.state != ListsState.READY:
                found["lost"].append(f"lists {row.pk} are {row.state}: {row.error}")
            elif not _list(row).equals(_list(lists[0]).filter(pl.col("rank") <= row.k)):
                found["different"].append(f"lists {row.pk}")


def outcome(run: Run) -> dict[str, Any]:
    """All of a result that must be the same to the last bit: every metric, the curve, and the rank of every user."""
    names = ("valid", "test", "intervals", "slices", "curve", "epochs", "best_epoch", "users_evaluated", "trainable_parameters")
    samples = list(run.samples.order_by("position").values_list("user_id_text", "rank", "recommended"))
    ranks = {name: _ranks(f"{run.folder_key}/{name}") for name in RANKS}
    return {**{name: getattr(run, name) for name in names}, "samples": samples, "ranks": ranks}


def _ranks(key: str) -> list[tuple[Any, ...]]:
    if not default_storage.exists(key):
        return []
    with default_storage.open(key) as file:
        return pl.read_parquet(io.BytesIO(file.read())).rows()


def _list(row: UserLists) -> pl.DataFrame:
    with default_storage.open(row.storage_key) as file:
        return pl.read_parquet(io.BytesIO(file.read()))


def _wanted(run: Run) -> str:
    return str(run.spec)
