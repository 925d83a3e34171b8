"""Answering questions to trained runs inside a child process that stays warm: models that were asked lately are in memory."""

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models.functions import Now

from engine.errors import UserError
from engine.title_search import TitleSearch
from webapp.datasets.models import HEAVY_OF_VERSION, VersionState
from webapp.environment import env, envint
from webapp.experiments.models import Run
from webapp.serving.models import Ask, AskKind, AskState
from webapp.storage import fetch_folder
from workers.database import DATABASE_DOWN
from workers.failures import SERVING_TOOK_TOO_MUCH, Failure, explain, is_out_of_memory
from workers.serving.shelf import Shelf
from workers.text import storable

if TYPE_CHECKING:
    from engine.data.version import Version
    from engine.recommend import Recommender

FOUND = 20
"""So many titles a search finds at most."""


@dataclass(frozen=True)
class Catalogue:
    """A version, ready to be searched; its runs share it."""

    version: "Version"
    titles: TitleSearch

    def lines(self, items: list[int]) -> list[dict[str, str]]:
        """Items as they are shown: id and title."""
        return [{"id": self.version.item_ids[item], "title": self.version.titles[item]} for item in items]


@cache
def catalogues() -> "Shelf[Catalogue]":
    """The versions of this process, bounded as its models are."""
    return _shelf()


@cache
def models() -> "Shelf[Recommender]":
    """The trained runs of this process: SERVE_MODELS of them at most, and SERVE_MEMORY_MB."""
    return _shelf()


def _shelf() -> Shelf[Any]:
    return Shelf(envint("SERVE_MODELS", 4), envint("SERVE_MEMORY_MB", 4096) * 1024 * 1024)


def answer_ask(pk: int, scratch: Path) -> bool:
    """Answer question ``pk``, if it is still asked; False if this process is not fit for more.

    Args:
        scratch: an empty folder, for copies from an object store.
    """
    heavy = (*(f"run__{name}" for name in HEAVY_OF_VERSION), "run__slices", "run__mask", "run__curve", "run__warnings")
    ask = Ask.objects.select_related("run__version").defer(*heavy).filter(pk=pk, state=AskState.ASKED).first()
    if ask is None:
        return True
    Ask.objects.filter(pk=pk).update(taken_at=Now())
    try:
        answer = _answer(ask, scratch)
    except DATABASE_DOWN:
        # The child tries again: it changes nothing.
        raise
    except Exception as error:
        exhausted = is_out_of_memory(error)
        settle(ask, failure=SERVING_TOOK_TOO_MUCH if exhausted else explain(error))
        return not exhausted
    settle(ask, answer=answer)
    return True


@transaction.atomic
def settle(ask: Ask, answer: dict[str, Any] | None = None, failure: Failure | None = None) -> None:
    """Write the end of a question that is still asked, and wake whoever waits for it."""
    values: dict[str, Any] = {"state": AskState.ANSWERED, "answer": storable(answer)}
    if failure is not None:
        values = {"state": AskState.FAILED, "error": failure.message, "hint": failure.hint}
    Ask.objects.filter(pk=ask.pk, state=AskState.ASKED).update(**values, answered_at=Now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [ask.channel])


def _answer(ask: Ask, scratch: Path) -> dict[str, Any]:
    # torch is imported here, in the child, and nowhere else; before a model is opened, so that it does not count as its memory.
    import engine.recommend  # noqa: F401

    run, question, version = ask.run, ask.question, ask.run.version
    if version.state != VersionState.READY:
        raise UserError(f"The version of {run} is {version.state}.", "Launch a run on a version that is ready.")
    catalogue, reading = catalogues().get(f"version-{version.pk}", version.storage_key, lambda: _read(run, scratch))
    answer: dict[str, Any] = {"catalogue": catalogue.version.counts.items, "opened": reading}
    if ask.kind == AskKind.RECOMMEND:
        found = catalogue.titles.find(question["query"], FOUND)
        answer |= {"history": [], "found": catalogue.lines(found), "recommended": []}
    begin = time.monotonic()
    # Titles are found without the model: whoever looks for the first item need not wait for it.
    if ask.kind == AskKind.USER or question["items"] or question.get("of_user"):
        stamp = (run.attempt, run.finished_at, run.folder_key)
        recommender, opening = models().get(f"run-{run.pk}", stamp, lambda: _open(run, catalogue, scratch))
        begin = time.monotonic()
        answer |= _recommended(recommender, ask)
        answer |= {"seen": "remove" if recommender.remove_seen else "keep", "opened": reading + opening}
    return {**answer, "opened": round(answer["opened"], 3), "seconds": round(time.monotonic() - begin, 4)}


def _recommended(recommender: "Recommender", ask: Ask) -> dict[str, Any]:
    question = ask.question
    if ask.kind == AskKind.USER:
        return recommender.test_user(question["user"], question["k"])
    if question.get("of_user"):
        # In use, not in the test: nothing of the user's history is held out.
        user = question["of_user"]
        return {"user": user, **recommender.recommend(recommender.history_of(user), question["k"], user)}
    return recommender.recommend(recommender.items(question["items"]), question["k"])


def _read(run: Run, scratch: Path) -> Catalogue:
    from engine.data.version import read_version

    version = read_version(fetch_folder(run.version.storage_key, scratch))
    return Catalogue(version, TitleSearch(version.item_ids, version.titles))


def _open(run: Run, catalogue: Catalogue, scratch: Path) -> "Recommender":
    from engine.recommend import Recommender

    recommender = Recommender.open(fetch_folder(run.folder_key, scratch), catalogue.version, env("SERVE_DEVICE") or "cpu")
    recommender.warm()
    return recommender
