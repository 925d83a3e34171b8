from collections.abc import Callable

import pytest
from django.db import DatabaseError

from tests.workers.fixtures import Run, RunState
from tests.workers.stand_in import make_result
from webapp.experiments.actions import request_cancel
from workers.claims import claim_run
from workers.outcome import succeed


def test_a_result_is_stored_with_layers_and_samples(make_run: Callable[..., Run]) -> None:
    run = make_run()
    attempt = claim_run(run.pk)
    assert attempt is not None
    assert succeed(attempt, make_result("hash"))
    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED
    assert run.finished_at is not None
    assert (run.valid, run.test) == ({"hr@10": 0.25}, {"hr@10": 0.5})
    assert run.protocol["version"] == "hash"
    assert run.slices == [
        {
            "of": "items",
            "name": "tail",
            "bounds": "1-9",
            "users": 3,
            "metrics": {"ndcg@10": 0.25, "hr@10": 0.5},
            "intervals": {"ndcg@10": [0.1, 0.4]},
        },
        {"of": "users", "name": "long", "bounds": "21+", "users": 0, "metrics": {}, "intervals": {}},
    ]
    assert run.intervals == {"test": {"hr@10": [0.25, 0.75]}}
    assert run.mask["parts"] == [{"title": "", "tokens": ["\ufffd", "b"], "items": [0, 0], "rows": ["11", "11"]}]
    assert run.data == {"users": 3, "items": 2, "interactions": 9}
    assert (run.seconds, run.epochs, run.best_epoch, run.users_evaluated) == (1.5, 2, 1, 3)
    assert (run.trainable_parameters, run.targets_per_second, run.warnings) == (7, 0, ["careful"])
    assert (run.machine, run.peak_memory_bytes) == ("CPU, 2 threads", 3_000_000_000)
    layer = run.layers.get()
    assert (layer.layer, layer.kind, layer.target, layer.rank, layer.parameters) == (0, "lora", "both", 8, 7)
    sample = run.samples.get()
    assert sample.user_id_text == "u" * 500
    assert sample.target == {"id": "1", "title": "<script>\ufffd"}
    assert sample.recommended == [{"id": "1", "title": "a", "score": None}]


def test_a_run_that_was_cancelled_meanwhile_is_cancelled(make_run: Callable[..., Run]) -> None:
    run = make_run()
    attempt = claim_run(run.pk)
    assert attempt is not None
    request_cancel(run)
    assert succeed(attempt, make_result())
    run.refresh_from_db()
    assert (run.state, run.test) == (RunState.CANCELLED, {})


def test_all_or_nothing(make_run: Callable[..., Run]) -> None:
    run = make_run()
    attempt = claim_run(run.pk)
    assert attempt is not None
    result = make_result()
    broken = result.model_copy(update={"architecture": result.architecture * 2})
    with pytest.raises(DatabaseError):
        succeed(attempt, broken)
    run.refresh_from_db()
    assert (run.state, run.test) == (RunState.STARTING, {})
    assert not run.layers.exists()
    assert not run.samples.exists()
