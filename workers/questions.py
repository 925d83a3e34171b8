"""Answering questions about a version inside a child process, which stays warm: what was read once is still in memory."""

import logging
import time
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from engine.data.coded import CodedRows
from engine.data.filter_preview import preview_filters
from engine.data.profile import profile_version
from engine.data.version import Version as PreparedVersion
from engine.data.version import read_version
from engine.spec import FilterSpec, parse_spec
from webapp.datasets.models import Question, QuestionKind, QuestionState, Version
from webapp.experiments.backbones import check_backbones
from webapp.storage import fetch_folder
from workers.catalogue import store_items
from workers.database import DATABASE_DOWN
from workers.failures import ANSWERING_TOOK_TOO_MUCH, explain, is_out_of_memory
from workers.text import storable

_log = logging.getLogger(__name__)
_VERSIONS: dict[str, PreparedVersion] = {}
"""The last version that a sequence was shown of, by its storage folder: people look at several users of one."""
_ROWS: dict[str, CodedRows] = {}
"""The coded rows of the last version that filters were tried on, by its storage folder."""


def answer_question(pk: int, scratch: Path) -> bool:
    """Answer question ``pk``, if it is still asked; False if this process is not fit for more.

    Args:
        scratch: an empty folder.
    """
    question = Question.objects.select_related("version").filter(pk=pk, state=QuestionState.ASKED).first()
    if question is None:
        return True
    try:
        _ANSWERS[QuestionKind(question.kind)](question, scratch)
    except DATABASE_DOWN:
        # The child tries again: it changes nothing.
        raise
    except Exception as error:
        exhausted = is_out_of_memory(error)
        failure = ANSWERING_TOOK_TOO_MUCH if exhausted else explain(error)
        _asked(question).update(state=QuestionState.FAILED, error=failure.message, hint=failure.hint, answered_at=Now())
        return not exhausted
    return True


def _preview(question: Question, scratch: Path) -> None:
    key = question.version.storage_key
    if key not in _ROWS:
        _ROWS.clear()
        _ROWS[key] = CodedRows.of_version(_read(question, scratch))
    started = time.monotonic()
    preview = preview_filters(_ROWS[key], FilterSpec.model_validate(question.settings["filters"]))
    _answer(question, {**preview.model_dump(mode="json"), "seconds": round(time.monotonic() - started, 3)})


@transaction.atomic
def _profile(question: Question, scratch: Path) -> None:
    profile = storable(profile_version(_read(question, scratch)).model_dump(mode="json"))
    Version.objects.filter(pk=question.version_id).update(profile=profile)
    _answer(question, {})


def _items(question: Question, scratch: Path) -> None:
    version = _read(question, scratch)
    with transaction.atomic():
        # One at a time: two questions of one version would write the same rows.
        Version.objects.select_for_update(no_key=True).get(pk=question.version_id)
        _answer(question, {"items": store_items(question.version_id, version)})


def _sequence(question: Question, scratch: Path) -> None:
    # torch is imported here, in the child, and for this question only.
    from engine.preview.sequence import preview_sequence

    key = question.version.storage_key
    if key not in _VERSIONS:
        _VERSIONS.clear()
        _VERSIONS[key] = _read(question, scratch)
    check_backbones(question.settings["spec"], at_worker=True)
    preview = preview_sequence(parse_spec(question.settings["spec"]), _VERSIONS[key], int(question.settings["user"]))
    _answer(question, preview.model_dump(mode="json"))


_ANSWERS = {
    QuestionKind.PREVIEW: _preview,
    QuestionKind.PROFILE: _profile,
    QuestionKind.ITEMS: _items,
    QuestionKind.SEQUENCE: _sequence,
}


def _read(question: Question, scratch: Path) -> PreparedVersion:
    return read_version(fetch_folder(question.version.storage_key, scratch))


def _answer(question: Question, answer: dict[str, Any]) -> None:
    _asked(question).update(state=QuestionState.ANSWERED, answer=storable(answer), answered_at=Now())


def _asked(question: Question) -> Any:
    return Question.objects.filter(pk=question.pk, state=QuestionState.ASKED)
