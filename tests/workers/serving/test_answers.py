"""Questions to runs that were really trained."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.data.version import read_version
from engine.evaluation.compare import read_ranks
from tests.workers.fixtures import Run, storage_root
from tests.workers.serving.conftest import Trained, make_ask
from webapp.datasets.models import VersionState
from webapp.serving.models import Ask, AskKind, AskState
from workers.serving import answers
from workers.serving.answers import answer_ask


@pytest.fixture(autouse=True)
def empty_shelf() -> Iterator[None]:
    empty()
    yield
    empty()


def empty() -> None:
    """Forget what is in memory."""
    answers.models.cache_clear()
    answers.catalogues.cache_clear()


def answered(ask: Ask, folder: Path) -> Ask:
    assert answer_ask(ask.pk, folder)
    ask.refresh_from_db()
    assert ask.taken_at is not None
    assert ask.answered_at is not None
    return ask


@pytest.mark.parametrize("preset", ["popularity", "item-knn", "sasrec", "darec-nano"])
def test_items_in_recommendations_out(preset: str, trained: Trained, tmp_path: Path) -> None:
    small = {"method.nano.warmup_steps": 3, "method.nano.dimensions": 32, "method.nano.heads": 2, "method.nano.vocabulary": 300}
    run = trained(preset, small if preset == "darec-nano" else None)
    version = read_version(storage_root() / run.version.storage_key)
    chosen = [version.item_ids[5], version.item_ids[2]]
    ask = answered(make_ask(run, items=chosen, k=7, query=version.titles[9][:6]), tmp_path)
    assert (ask.state, ask.error) == (AskState.ANSWERED, "")
    assert [line["id"] for line in ask.answer["history"]] == chosen
    assert version.item_ids[9] in [line["id"] for line in ask.answer["found"]]
    assert len(ask.answer["recommended"]) == 7
    assert not {line["id"] for line in ask.answer["recommended"]} & set(chosen), "seen items are removed, as in the protocol"
    assert ask.answer["seen"] == "remove"
    assert ask.answer["opened"] > 0
    again = answered(make_ask(run, items=chosen, k=7), tmp_path)
    assert again.answer["opened"] == 0
    assert again.answer["recommended"] == ask.answer["recommended"]
    assert again.answer["seconds"] < 1


def test_any_user_of_the_test_is_answered_as_judged(trained: Trained, tmp_path: Path) -> None:
    run = trained("sasrec")
    version = read_version(storage_root() / run.version.storage_key)
    ranks = read_ranks(storage_root() / run.folder_key / "ranks_test.parquet")
    for place in (0, 17, len(ranks.users) - 1):
        user = version.users[ranks.users[place]]
        ask = answered(make_ask(run, AskKind.USER, user=user), tmp_path)
        assert ask.answer["rank"] == ranks.ranks[place]
        assert ask.answer["user"] == user
        assert len(ask.answer["recommended"]) == 5


def test_without_items_only_titles_are_found(trained: Trained, tmp_path: Path) -> None:
    ask = answered(make_ask(trained(), query="a"), tmp_path)
    assert ask.answer["recommended"] == ask.answer["history"] == []
    assert ask.answer["found"]
    assert (len(answers.catalogues()), len(answers.models())) == (1, 0), "the model is not needed yet"


def test_what_cannot_be_answered_says_why_and_the_process_goes_on(trained: Trained, tmp_path: Path) -> None:
    run = trained()
    ask = answered(make_ask(run, items=["nothing"]), tmp_path)
    assert (ask.state, ask.error) == (AskState.FAILED, "There is no item 'nothing' in this run's catalogue.")
    ask = answered(make_ask(run, AskKind.USER, user="<nobody>"), tmp_path)
    assert "There is no user '<nobody>'" in ask.error
    type(run.version).objects.update(state=VersionState.DELETED)
    assert "is deleted" in answered(make_ask(run, query="a"), tmp_path).error


def test_a_run_that_was_trained_again_is_loaded_again(trained: Trained, tmp_path: Path) -> None:
    run = trained()
    ids = read_version(storage_root() / run.version.storage_key).item_ids[:2]
    opened = [answered(make_ask(run, items=ids), tmp_path).answer["opened"] for _ in range(2)]
    Run.objects.filter(pk=run.pk).update(attempt=run.attempt + 1)
    opened.append(answered(make_ask(run, items=ids), tmp_path).answer["opened"])
    assert [value > 0 for value in opened] == [True, False, True]


def test_what_is_answered_is_not_answered_again(trained: Trained, tmp_path: Path) -> None:
    ask = answered(make_ask(trained(), query="a"), tmp_path)
    Ask.objects.update(answer={})
    assert answer_ask(ask.pk, tmp_path)
    ask.refresh_from_db()
    assert ask.answer == {}
