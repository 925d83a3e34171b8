from dataclasses import replace
from typing import Any

import pytest

from engine.presets import get_preset
from webapp.experiments.models import Run
from workers.failures import DISK_FULL, OUT_OF_GPU_MEMORY, OUT_OF_MEMORY, Failure, Kind, lost_for_good
from workers.remedies import suited


def run_of(settings: dict[str, Any], phase: str = "training SASRec") -> Run:
    return Run(spec=get_preset("sasrec").spec(settings).model_dump(mode="json"), progress={"phase": phase})


@pytest.mark.parametrize(("failure", "whose"), [(OUT_OF_MEMORY, "the computer"), (OUT_OF_GPU_MEMORY, "the GPU")])
def test_memory_that_ran_out_in_training_asks_for_half_the_batch(failure: Failure, whose: str) -> None:
    found = suited(failure, run_of({"training.batch_size": 64}))
    assert found.message.startswith(f"Out of memory at batch 64: {whose}")
    assert (found.label, found.settings) == ("Retry with batch 32", {"training.batch_size": 32})


def test_memory_that_ran_out_in_an_evaluation_asks_for_fewer_users() -> None:
    found = suited(OUT_OF_MEMORY, run_of({"evaluation.batch_users": 1000}, "evaluating test"))
    assert "1,000 users at once" in found.message
    assert (found.label, found.settings) == ("Retry with 500 users at once", {"evaluation.batch_users": 500})


def test_nothing_is_smaller_than_one() -> None:
    assert suited(OUT_OF_MEMORY, run_of({"training.batch_size": 1})) == OUT_OF_MEMORY


def test_a_run_that_was_killed_again_and_again_is_offered_a_smaller_batch() -> None:
    failure = lost_for_good(3, "its process was killed (SIGKILL)")
    found = suited(failure, run_of({"training.batch_size": 64}))
    assert found == replace(failure, label="Retry with batch 32", settings={"training.batch_size": 32})


def test_a_loss_that_ran_away_is_offered_smaller_steps() -> None:
    found = suited(Failure("The loss is nan.", kind=Kind.DIVERGED), run_of({"training.learning_rate": 1e-3}))
    assert (found.label, found.settings) == ("Retry with learning rate 0.0003", {"training.learning_rate": 0.0003})


def test_a_missing_device_is_offered_any() -> None:
    found = suited(Failure("No CUDA.", kind=Kind.DEVICE), run_of({"training.device": "cuda"}))
    assert found.settings == {"training.device": "auto"}


def test_no_setting_makes_room_on_a_disk() -> None:
    assert suited(DISK_FULL, run_of({})) == DISK_FULL
