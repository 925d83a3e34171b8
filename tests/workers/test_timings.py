import pytest
from django.core.exceptions import ImproperlyConfigured

from workers.timings import Timings


def test_the_defaults_leave_a_job_time_to_stop_before_another_one_starts() -> None:
    timings = Timings()
    assert timings.beat * 2 < timings.give_up < timings.silence


def test_each_can_be_set_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_QUIET_START_SECONDS", "0.5")
    assert Timings.from_environment() == Timings(quiet_start=0.5)


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf"])
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("WORKER_BEAT_SECONDS", text)
    with pytest.raises(ImproperlyConfigured, match=rf"WORKER_BEAT_SECONDS: got '{text}', must be a number of seconds"):
        Timings.from_environment()
