import logging

import pytest

from engine.errors import DataError
from workers.failures import OUT_OF_MEMORY, describe_exit, explain


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
    "error",
    [MemoryError(), OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to ...")],
)
def test_lack_of_memory_says_what_to_make_smaller(error: Exception) -> None:
    assert explain(error) is OUT_OF_MEMORY
    assert "batch_size" in OUT_OF_MEMORY.hint


@pytest.mark.parametrize(("code", "words"), [(-9, "was killed (SIGKILL)"), (1, "ended with code 1"), (-99, "was killed (99)")])
def test_an_exit_code_in_words(code: int, words: str) -> None:
    assert words in describe_exit(code)
