"""How long things may take, in seconds. Each can be set in the environment: ``beat`` by ``WORKER_BEAT_SECONDS``, and so on."""

from dataclasses import dataclass, fields

from django.core.exceptions import ImproperlyConfigured

from webapp.environment import env


@dataclass(frozen=True)
class Timings:
    """The clocks of workers and reaper, in seconds.

    Attributes:
        beat: between two heartbeats of a job.
        give_up: a job that could not beat for this long stops itself; must be less than ``silence``.
        silence: a job that was not heard for this long is lost.
        look: between two looks of the reaper, and of a worker at its child.
        quiet_start: how long the reaper takes nobody for lost after its own or the database's restart.
        resend_after: a row must have been queued this long before the reaper asks for it again.
        cancel_grace: how long a cancelled job may take to end by itself before its processes are killed.
        stop_grace: how long a job may take to reach a checkpoint when its service stops.
        write: between two writes of a job's events to the database.
        warm: how long a process that ran a trial of a search, or looked through a version, waits for the next order.
        serve_warm: how long a process that holds trained models waits for the next question.
        serve_wall: how long answering one question to a trained run may take, loading the model included.
        ingest_wall: how long reading an upload may take.
        suggest: how long a worker may have a search to itself to choose its next trials; others may try after that.
        presence: between two signs of life of a worker's own process, beat and the reaper; shown as silent after 30.
        stand_still: between two looks of beat for searches that stand still.
    """

    beat: float = 5
    give_up: float = 25
    silence: float = 30
    look: float = 5
    quiet_start: float = 60
    resend_after: float = 10
    cancel_grace: float = 60
    stop_grace: float = 10
    write: float = 1
    warm: float = 60
    serve_warm: float = 3600
    serve_wall: float = 300
    ingest_wall: float = 3600
    suggest: float = 120
    presence: float = 5
    stand_still: float = 10

    @classmethod
    def from_environment(cls) -> "Timings":
        """The defaults, overridden by ``WORKER_<NAME>_SECONDS``; raises ImproperlyConfigured for what is no positive number."""
        given: dict[str, float] = {}
        for field in fields(cls):
            variable = f"WORKER_{field.name.upper()}_SECONDS"
            text = env(variable)
            if text:
                given[field.name] = _seconds(variable, text)
        return cls(**given)


def _seconds(variable: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < float("inf"):
        raise ImproperlyConfigured(f"{variable}: got {text!r}, must be a number of seconds, 0 or more")
    return value
