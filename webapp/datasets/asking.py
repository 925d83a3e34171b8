"""Asking workers about a version."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from webapp.broker import ANSWER_TASK, ask_or_wait
from webapp.datasets.models import Question, QuestionKind, QuestionState, Version


@transaction.atomic
def ask_about(version: Version, user: User, kind: QuestionKind, settings: dict[str, Any] | None = None) -> Question:
    """Ask a worker about a ready version. The same question that still waits for its answer is not asked again."""
    values = {"version": version, "kind": kind, "settings": settings or {}}
    waiting = Question.objects.filter(**values, state=QuestionState.ASKED).order_by("-pk").first()
    if waiting is not None:
        return waiting
    question = Question.objects.create(**values, asked_by=user)
    transaction.on_commit(lambda: ask_or_wait(ANSWER_TASK, question.pk))
    return question


def last_question(version: Version, kind: QuestionKind) -> Question | None:
    """The newest question of this kind, if there was one lately."""
    return version.questions.filter(kind=kind).order_by("-pk").first()
