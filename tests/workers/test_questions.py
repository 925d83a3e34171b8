from pathlib import Path

import pytest
from django.contrib.auth.models import User

from engine.data.filter_preview import FilterPreview
from engine.data.profile import Profile
from engine.data.version import read_version
from engine.presets import get_preset
from engine.preview.model import SequencePreview
from tests.workers.fixtures import FAST, Dataset, Version, storage_root
from webapp.curation.models import CatalogueItem
from webapp.datasets.asking import ask_about, last_question
from webapp.datasets.models import Question, QuestionKind, QuestionState
from workers import questions
from workers.catalogue import title_key
from workers.questions import answer_question
from workers.supervisor import supervise_question

pytestmark = pytest.mark.services


def ask(version: Version, kind: str, **settings: object) -> Question:
    return Question.objects.create(version=version, kind=kind, settings=settings)


def answered(question: Question, folder: Path) -> Question:
    assert answer_question(question.pk, folder)
    question.refresh_from_db()
    return question


def test_a_child_process_answers(version: Version) -> None:
    question = ask(version, "profile")
    supervise_question(question.pk, FAST)
    question.refresh_from_db()
    version.refresh_from_db()
    assert (question.state, question.error) == (QuestionState.ANSWERED, "")
    assert Profile.model_validate(version.profile).counts.users == 60
    # What is answered is not done again.
    Version.objects.update(profile={})
    supervise_question(question.pk, FAST)
    version.refresh_from_db()
    assert version.profile == {}


def test_a_preview_counts_and_keeps_the_rows_for_the_next_one(version: Version, tmp_path: Path) -> None:
    one = answered(ask(version, "preview", filters={"core": 0}), tmp_path)
    preview = FilterPreview.model_validate({name: value for name, value in one.answer.items() if name != "seconds"})
    assert preview.before == preview.after == read_version(storage_root() / version.storage_key).counts
    rows = questions._ROWS[version.storage_key]
    two = answered(ask(version, "preview", filters={"core": 999}), tmp_path)
    assert "Nothing is left" in two.answer["problem"]
    assert {version.storage_key: rows} == questions._ROWS


def test_what_fails_says_why(version: Version, tmp_path: Path) -> None:
    Version.objects.update(storage_key="versions/empty")
    question = answered(ask(version, "profile"), tmp_path)
    assert question.state == QuestionState.FAILED
    assert "no prepared version" in question.error
    assert str(storage_root()) not in question.error
    (storage_root() / "versions/empty").rmdir()


def test_a_child_that_dies_leaves_a_failed_question(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_MEMORY_MB", "1")
    question = ask(version, "profile")
    supervise_question(question.pk, FAST)
    question.refresh_from_db()
    assert (question.state, question.error[:32]) == (QuestionState.FAILED, "Looking through this version too")


def test_items_are_copied_with_twins(version: Version, tmp_path: Path) -> None:
    for _ in range(2):
        assert answered(ask(version, "items"), tmp_path).answer == {"items": CatalogueItem.objects.count()}
    prepared = read_version(storage_root() / version.storage_key)
    items = CatalogueItem.objects.filter(version=version)
    assert sorted(items.values_list("item_id", "title")) == sorted(zip(prepared.item_ids, prepared.titles, strict=True))
    assert sum(items.values_list("interactions", flat=True)) == len(prepared.item)
    item = items.order_by("-interactions").first()
    assert item is not None
    assert item.title.lower() in item.words
    assert item.title_key == title_key(item.title)
    assert item.twins == items.filter(title_key=item.title_key).count() - 1


def test_one_key_for_one_title() -> None:
    assert title_key("The  Matrix (1999)") == title_key("the matrix, 1999") == "thematrix1999"
    assert title_key("\uff2d\uff41trix") == "matrix"
    assert title_key("\u2026!") == ""


def test_an_open_question_is_not_asked_twice(version: Version, dataset: Dataset) -> None:
    user = User.objects.create(username="alice")
    one = ask_about(version, user, QuestionKind.PREVIEW, {"filters": {"core": 2}})
    assert ask_about(version, user, QuestionKind.PREVIEW, {"filters": {"core": 2}}) == one
    other = ask_about(version, user, QuestionKind.PREVIEW, {"filters": {"core": 3}})
    assert last_question(version, QuestionKind.PREVIEW) == other


def test_a_sequence_is_read_as_the_model_would_read_it(version: Version, tmp_path: Path) -> None:
    spec = get_preset("sasrec").spec({"method.window": 4}).model_dump(mode="json")
    preview = SequencePreview.model_validate(answered(ask(version, "sequence", spec=spec, user=1), tmp_path).answer)
    assert len(preview.items) == len(preview.tokens) == min(4, preview.history)
    assert list(questions._VERSIONS) == [version.storage_key]
    spec["evaluation"]["candidates"] = "imported"
    failed = answered(ask(version, "sequence", spec=spec, user=1), tmp_path)
    assert (failed.state, bool(failed.error), bool(failed.hint)) == (QuestionState.FAILED, True, True)
