import errno
import logging

import pytest

from engine.errors import CheckpointError, DataError, DeviceMissing, EngineError, TrainingDiverged
from workers.failures import DISK_FULL, OUT_OF_GPU_MEMORY, OUT_OF_MEMORY, Failure, Kind, describe_exit, explain


def test_a_mistake_of_the_user_is_told_with_its_hint_and_no_reference() -> None:
    failure = explain(DataError("No column 'user'.", "Name one."))
    assert (failure.message, failure.hint, failure.reference) == ("No column 'user'.", "Name one.", "")


def test_a_fault_of_ours_shows_a_reference_only_and_the_log_has_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        failure = explain(ZeroDivisionError("secret"))
    assert len(failure.reference) == 8
    assert failure.reference in failure.message
    assert "secret" not in failure.message + failure.hint
    assert failure.reference in caplog.text
    assert "ZeroDivisionError: secret" in caplog.text


class OutOfMemoryError(RuntimeError):
    """As torch names it."""


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (MemoryError(), OUT_OF_MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to ..."), OUT_OF_MEMORY),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), OUT_OF_MEMORY),
        (OutOfMemoryError("CUDA"), OUT_OF_GPU_MEMORY),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), OUT_OF_GPU_MEMORY),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), OUT_OF_GPU_MEMORY),
        (OSError(errno.ENOSPC, "No space left on device"), DISK_FULL),
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"), DISK_FULL),
    ],
)
def test_what_ran_out_is_recognised(error: Exception, failure: Failure) -> None:
    assert explain(error) is failure


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TrainingDiverged("The loss of step 3 is nan.", "Lower it."), Kind.DIVERGED),
        (DeviceMissing("No CUDA device.", "Take another."), Kind.DEVICE),
        (CheckpointError("step-000000003 cannot be read.", "Start again."), Kind.CHECKPOINT),
        (DataError("No column.", "Name one."), Kind.MISTAKE),
    ],
)
def test_what_the_engine_says_for_people_reaches_them(error: EngineError, kind: Kind) -> None:
    failure = explain(error)
    assert (failure.message, failure.hint, failure.kind, failure.reference) == (error.message, error.hint, kind, "")


def test_an_error_of_the_gpu_has_a_reference_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        failure = explain(RuntimeError("CUDA error: an illegal memory access was encountered"))
    assert failure.kind is Kind.GPU
    assert failure.reference in failure.message
    assert failure.reference in caplog.text


def test_a_failure_is_stored_with_its_remedy() -> None:
    failure = Failure("No.", "Do.", kind=Kind.MEMORY, label="Retry with batch 32", settings={"training.batch_size": 32})
    assert failure.columns()["remedy"] == {
        "kind": "memory", "label": "Retry with batch 32", "settings": {"training.batch_size": 32}
    }  # fmt: skip
    assert Failure("No.").columns()["remedy"] == {"kind": "ours"}


@pytest.mark.parametrize(("code", "words"), [(-9, "was killed (SIGKILL)"), (1, "ended with code 1"), (-99, "was killed (99)")])
def test_an_exit_code_in_words(code: int, words: str) -> None:
    assert words in describe_exit(code)
