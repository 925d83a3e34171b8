import io
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from redis import Redis

from engine.evaluation import compare
from engine.evaluation.compare import RankTable, paired
from tests.workers.fixtures import FAST, Run, RunState, Version
from tests.workers.stand_in import make_result
from webapp.experiments.models import GroupKind, GroupVariant, RunGroup
from workers import comparing
from workers.claims import claim_run
from workers.comparing import compare_group
from workers.outcome import succeed
from workers.supervisor import supervise_comparison

MakeRun = Callable[..., Run]


@pytest.fixture
def group(version: Version) -> RunGroup:
    made = RunGroup.objects.create(kind=GroupKind.ABLATION, name="Parts", project=version.dataset.project, version=version)
    for position, label in enumerate(("base", "causal", "sasrec")):
        GroupVariant.objects.create(group=made, position=position, label=label, sentence=label)
    return made


@pytest.fixture
def finish(group: RunGroup, make_run: MakeRun) -> Callable[[str, int], RankTable]:
    """A run of a variant that succeeded, with ranks from a seed."""

    def finish(label: str, seed: int) -> RankTable:
        run = make_run({"training.seed": seed})
        ranks = np.floor(np.random.default_rng([seed, len(label)]).exponential(20, 50))
        table = RankTable(np.arange(50, dtype=np.int32), ranks)
        file = io.BytesIO()
        pl.DataFrame({"user": table.users, "rank": table.ranks}).write_parquet(file)
        default_storage.save(f"{run.folder_key}/ranks_test.parquet", ContentFile(file.getvalue()))
        run.variant = group.variants.get(label=label)
        run.state, run.protocol, run.users_evaluated, run.test = RunState.SUCCEEDED, {"seen": "keep"}, 50, {"ndcg@10": 0.1}
        run.save()
        return table

    return finish


def compared(group: RunGroup, label: str) -> dict[str, object]:
    found: dict[str, object] = group.variants.get(label=label).comparison
    return found


def test_each_variant_is_compared_with_the_base(group: RunGroup, finish: Callable[[str, int], RankTable]) -> None:
    base = [finish("base", seed) for seed in (0, 1)]
    causal = [finish("causal", seed) for seed in (0, 1)]
    compare_group(group.pk)
    found = compared(group, "causal")
    assert found["values"] == paired(causal, base, "ndcg@10").model_dump(mode="json")
    assert (len(found["runs"]), len(found["base"])) == (2, 2)  # type: ignore[arg-type]
    assert compared(group, "base") == compared(group, "sasrec") == {}


def test_only_what_changed_is_compared_again(
    group: RunGroup, finish: Callable[[str, int], RankTable], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []

    def counting(a: list[RankTable], b: list[RankTable], metric: str) -> compare.Comparison:
        done.append(len(a))
        return paired(a, b, metric)

    monkeypatch.setattr(comparing, "paired", counting)
    finish("base", 0)
    finish("causal", 0)
    compare_group(group.pk)
    compare_group(group.pk)
    assert done == [1]
    finish("sasrec", 0)
    compare_group(group.pk)
    assert done == [1, 1]
    finish("base", 1)
    compare_group(group.pk)
    assert done == [1, 1, 1, 1]
    finish("sasrec", 1)
    compare_group(group.pk)
    assert done == [1, 1, 1, 1, 2]


def test_a_run_that_ends_while_others_are_compared_is_not_forgotten(
    group: RunGroup, finish: Callable[[str, int], RankTable], monkeypatch: pytest.MonkeyPatch
) -> None:
    finish("base", 0)
    tables = [finish("causal", 0)]

    def slow(a: list[RankTable], b: list[RankTable], metric: str) -> compare.Comparison:
        if len(tables) == 1:
            tables.append(finish("causal", 1))
        return paired(a, b, metric)

    monkeypatch.setattr(comparing, "paired", slow)
    compare_group(group.pk)
    assert len(compared(group, "causal")["runs"]) == 2  # type: ignore[arg-type]


def test_damaged_ranks_are_said_and_not_tried_for_ever(group: RunGroup, finish: Callable[[str, int], RankTable]) -> None:
    finish("base", 0)
    finish("causal", 0)
    run = Run.objects.get(variant__label="causal")
    with default_storage.open(f"{run.folder_key}/ranks_test.parquet", "wb") as file:
        file.write(b"no parquet")
    compare_group(group.pk)
    assert f"The ranks of run-{run.pk} are gone or damaged" in str(compared(group, "causal")["problem"])
    compare_group(group.pk)


def test_a_group_that_is_gone_is_nothing_to_do(database: None) -> None:
    compare_group(4711)


@pytest.mark.services
def test_in_a_child_process(group: RunGroup, finish: Callable[[str, int], RankTable]) -> None:
    base, causal = finish("base", 0), finish("causal", 0)
    supervise_comparison(group.pk, FAST)
    assert compared(group, "causal")["values"] == paired([causal], [base], "ndcg@10").model_dump(mode="json")


def test_a_run_that_succeeds_in_a_group_asks_for_the_comparison(
    group: RunGroup, make_run: MakeRun, broker: "Redis[bytes]"
) -> None:
    for variant in (None, group.variants.get(label="base")):
        run = make_run()
        run.variant = variant
        run.save()
        attempt = claim_run(run.pk)
        assert attempt is not None
        before = broker.llen("io")
        assert succeed(attempt, make_result())
        assert broker.llen("io") - before == (1 if variant else 0)
