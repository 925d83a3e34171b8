from engine.events import Event, ProgressEvent
from engine.training.progress import ProgressReporter


def test_an_evaluation_keeps_what_is_known_of_training_until_it_has_ended() -> None:
    told: list[Event] = []
    now = [0.0]
    reporter = ProgressReporter(told.append, clock=lambda: now[0])
    reporter.training("training", 1, 4, 3, 0.5, 100.0, 250.0)
    now[0] = 30.0
    reporter.counting("evaluating validation", 1, 2, "users")
    reporter.trained()
    now[0] = 31.0
    reporter.final("evaluating test", 1, 2, "users")
    found = [event for event in told if isinstance(event, ProgressEvent)]
    assert [(event.epoch, event.eta_seconds, event.targets_per_second) for event in found] == [
        (3, 100.0, 250.0),
        (3, 70.0, 250.0),
        (None, None, None),
    ]
