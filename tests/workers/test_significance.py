import io
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from engine.evaluation.compare import RankTable, paired
from tests.workers.fixtures import FAST, Run, RunState
from webapp.comparing.models import RunComparison
from workers.significance import compare_runs
from workers.supervisor import supervise_run_comparison

MakeRun = Callable[..., Run]


@pytest.fixture
def finish(make_run: MakeRun) -> Callable[..., tuple[Run, RankTable]]:
    """A run that succeeded, with ranks from a seed."""

    def finish(seed: int, better: float = 1.0, users: int = 300) -> tuple[Run, RankTable]:
        run = make_run({"training.seed": seed})
        ranks = np.floor(np.random.default_rng(seed).exponential(15 * better, users))
        table = RankTable(np.arange(users, dtype=np.int32), ranks)
        store(run, table)
        run.state = RunState.SUCCEEDED
        run.save()
        return run, table

    return finish


def store(run: Run, table: RankTable) -> None:
    file = io.BytesIO()
    pl.DataFrame({"user": table.users, "rank": table.ranks}).write_parquet(file)
    default_storage.save(f"{run.folder_key}/ranks_test.parquet", ContentFile(file.getvalue()))


def ask(*runs: Run, reference: Run | None = None, metric: str = "ndcg@10") -> RunComparison:
    """The question about some runs."""
    return RunComparison.objects.create(
        key=f"{len(runs)}-{runs[0].pk}",
        metric=metric,
        runs=[run.pk for run in runs],
        reference=reference.pk if reference else None,
        asked_at=timezone.now(),
    )


def test_all_pairs_are_compared_as_the_engine_does(finish: Callable[..., tuple[Run, RankTable]]) -> None:
    (first, a), (second, b), (third, _) = finish(0), finish(1, 2.0), finish(2)
    question = ask(first, second, third)
    compare_runs(question.pk)
    question.refresh_from_db()
    pairs = question.answer["pairs"]
    assert [pair[:2] for pair in pairs] == [[first.pk, second.pk], [first.pk, third.pk], [second.pk, third.pk]]
    alone = paired([a], [b])
    _, _, difference, low, high, p, corrected = pairs[0]
    assert difference == pytest.approx(alone.difference)
    assert low == pytest.approx(alone.low, abs=0.01)
    assert high == pytest.approx(alone.high, abs=0.01)
    assert p == pytest.approx(alone.p, abs=0.01)
    assert corrected >= p
    assert (question.answer["users"], question.answer["without"]) == (300, {})


def test_each_against_one(finish: Callable[..., tuple[Run, RankTable]]) -> None:
    runs = [finish(seed)[0] for seed in range(4)]
    question = ask(*runs, reference=runs[2])
    compare_runs(question.pk)
    question.refresh_from_db()
    assert [pair[:2] for pair in question.answer["pairs"]] == [[run.pk, runs[2].pk] for run in runs if run != runs[2]]


def test_what_is_answered_stays(finish: Callable[..., tuple[Run, RankTable]]) -> None:
    question = ask(finish(0)[0], finish(1)[0])
    compare_runs(question.pk)
    question.refresh_from_db()
    before = question.answered_at
    compare_runs(question.pk)
    question.refresh_from_db()
    assert question.answered_at == before
    compare_runs(4711)


def test_damaged_ranks_leave_a_run_out_and_are_said(finish: Callable[..., tuple[Run, RankTable]]) -> None:
    runs = [finish(seed)[0] for seed in range(3)]
    with default_storage.open(f"{runs[1].folder_key}/ranks_test.parquet", "wb") as file:
        file.write(b"no parquet")
    question = ask(*runs)
    compare_runs(question.pk)
    question.refresh_from_db()
    assert len(question.answer["pairs"]) == 1
    assert "gone or damaged" in question.answer["without"][str(runs[1].pk)]
    lost = ask(*runs[1:], reference=runs[1])
    compare_runs(lost.pk)
    lost.refresh_from_db()
    assert "are missing" in lost.answer["problem"]


def test_other_users_are_a_problem_in_words(finish: Callable[..., tuple[Run, RankTable]]) -> None:
    question = ask(finish(0)[0], finish(1, users=200)[0])
    compare_runs(question.pk)
    question.refresh_from_db()
    assert "different users" in question.answer["problem"]


def test_a_run_that_is_gone(finish: Callable[..., tuple[Run, RankTable]]) -> None:
    runs = [finish(seed)[0] for seed in range(2)]
    question = ask(*runs)
    runs[0].delete()
    compare_runs(question.pk)
    question.refresh_from_db()
    assert "Fewer than two" in question.answer["problem"]


@pytest.mark.services
def test_in_a_child_process(finish: Callable[..., tuple[Run, RankTable]]) -> None:
    question = ask(finish(0)[0], finish(1, 2.0)[0])
    supervise_run_comparison(question.pk, FAST)
    question.refresh_from_db()
    assert len(question.answer["pairs"]) == 1
